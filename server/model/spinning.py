"""Keep an event loop from sleeping while an answer is about to come."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from server.model.worker.spin import Spin
from server.settings import ServeSettings


def spin_seconds(settings: ServeSettings, edges: int, cpus: int) -> float:
    """Return how long the processes may look for what comes next before they sleep.

    Where they do not have a CPU each, one that looks would keep another from its work: not at all.
    """
    return settings.spin_microseconds / 1e6 if edges + settings.model_processes <= cpus else 0.0


class Spinning:
    """Has the event loop look for an answer for a while instead of sleeping until it comes.

    Args:
        seconds: how long to look at most; 0 is never.
        awaited: says whether there is an answer to come.
    """

    def __init__(self, seconds: float, awaited: Callable[[], bool]) -> None:
        self._spin = Spin(seconds)
        self._awaited = awaited
        self._looking = False

    def begin(self) -> None:
        """Take notice that an answer is awaited from now on."""
        self._spin.begin()
        if not self._looking:
            self._look()

    def end(self) -> None:
        """Take notice of an answer."""
        self._spin.end()

    def _look(self) -> None:
        self._looking = self._spin.goes_on() and self._awaited()
        if self._looking:
            os.sched_yield()  # Whoever has work to do on this CPU comes first.
            asyncio.get_running_loop().call_soon(self._look)
