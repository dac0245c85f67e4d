"""Busy polling of the event loop while an answer is expected soon, instead of sleeping in epoll."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from server.ipc.busy_polling import AdaptivePolling
from server.settings import ServeSettings


def busy_poll_seconds(settings: ServeSettings, server_processes: int, cpus: int) -> float:
    """Return how long the processes may busy-poll, in seconds: 0 unless each of them has a CPU of its own."""
    return settings.spin_microseconds / 1e6 if server_processes + settings.model_processes <= cpus else 0.0


class BusyPoller:
    """Busy-polls for an answer for a bounded time.

    Args:
        seconds: the longest that it polls; 0 turns it off.
        awaited: says whether there is an answer to come.
    """

    def __init__(self, seconds: float, awaited: Callable[[], bool]) -> None:
        self._spin = AdaptivePolling(seconds)
        self._awaited = awaited
        self._polling = False

    def begin(self) -> None:
        """Start polling: an answer is expected."""
        self._spin.begin()
        if not self._polling:
            self._poll()

    def end(self) -> None:
        """Record that an answer has come."""
        self._spin.end()

    def _poll(self) -> None:
        self._polling = self._spin.goes_on() and self._awaited()
        if self._polling:
            os.sched_yield()  # Whoever has work to do on this CPU comes first.
            asyncio.get_running_loop().call_soon(self._poll)
