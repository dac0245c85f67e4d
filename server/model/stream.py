"""The parts of a streamed answer between the connection and its consumer, with flow control."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

# The window: parts that the model may send before the consumer has taken one; then it waits (back-pressure).
AHEAD = 16


class Stream:
    """The parts that were received and not taken yet: ``AHEAD`` at most.

    ``ask`` is what has the model's process send one more, ``awaited`` since when somebody waits for one.
    """

    def __init__(self) -> None:
        self.ask: Callable[[], None] | None = None
        self.awaited: float | None = None
        self._parts: deque[Any] = deque()
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        """Return whether there is a part."""
        return bool(self._parts)

    def add(self, part: Any) -> None:
        """Take in a part."""
        self._parts.append(part)
        self._changed.set()

    def take(self) -> Any:
        """Return the next part, and ask for one more."""
        part = self._parts.popleft()
        if self.ask is not None:
            self.ask()
        return part

    def end(self, _: object = None) -> None:
        """Mark the end: nothing more comes."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait until something has come, or nothing more comes."""
        self.awaited = asyncio.get_running_loop().time()
        await self._changed.wait()
        self.awaited = None
        self._changed.clear()
