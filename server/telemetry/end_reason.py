"""Why a process of the model has ended, or must: a small set, beside the sentence that says it."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol


class EndReason(StrEnum):
    """Why a process of the model is started again.

    It has ended by itself, by a signal that was not the server's, has not loaded the model, or not in time, has not answered,
    has broken the rules of its connection, or could not be started.
    """

    EXITED = "exited"
    SIGNAL = "signal"
    LOAD_FAILED = "load_failed"
    LOAD_TIMEOUT = "load_timeout"
    HUNG = "hung"
    PROTOCOL = "protocol"
    NOT_STARTED = "not_started"


class ProcessObserver(Protocol):
    """What is told of the model's processes; it neither raises nor blocks."""

    def restarted(self, reason: str) -> None:
        """Take note of a process that has ended for a reason of EndReason, and is started again."""

    def loaded(self, seconds: float) -> None:
        """Take note that the model is loaded, and how long that took."""

    def running(self, pids: Collection[int]) -> None:
        """Take note of the processes that there are now."""
