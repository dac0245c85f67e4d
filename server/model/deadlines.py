"""When the calls of the model have taken too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.model.batch import Call


class Deadlines:
    """Calls in the order in which their time runs out, that in which they came: one timer does for all.

    Args:
        seconds: how long a call may take.
        expire: is told of a call that has taken longer.
    """

    def __init__(self, seconds: float, expire: Callable[[Call], None]) -> None:
        self._seconds = seconds
        self._expire = expire
        self._ends: dict[Call, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Call) -> None:
        """Let a call's time begin."""
        self._ends[call] = asyncio.get_running_loop().time() + self._seconds
        if self._timer is None:
            self._wait(self._seconds)

    def remove(self, call: Call) -> None:
        """Forget a call, which has ended."""
        self._ends.pop(call, None)

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        for call, end in tuple(self._ends.items()):
            if end > now:
                self._wait(end - now)
                return
            del self._ends[call]
            self._expire(call)
