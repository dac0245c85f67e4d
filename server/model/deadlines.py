"""The deadlines of the calls of the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.model.batcher import Call


class Deadlines:
    """Calls in the order of their deadlines, which is that of their arrival: one timer serves all.

    Args:
        seconds: how long a call may take.
        expire: called with a call whose deadline has passed.
    """

    def __init__(self, seconds: float, expire: Callable[[Call], None]) -> None:
        self._seconds = seconds
        self._expire = expire
        self._ends: dict[Call, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Call) -> None:
        """Start a call's deadline."""
        self._ends[call] = asyncio.get_running_loop().time() + self._seconds
        if self._timer is None:
            self._schedule(self._seconds)

    def remove(self, call: Call) -> None:
        """Cancel a call's deadline."""
        self._ends.pop(call, None)

    def _schedule(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire_due)

    def _expire_due(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        for call, end in tuple(self._ends.items()):
            if end > now:
                self._schedule(end - now)
                return
            del self._ends[call]
            self._expire(call)
