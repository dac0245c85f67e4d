"""Whether the model can be called, and when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Readiness:
    """A state that is true while the model is loaded and the server goes on taking calls."""

    def __init__(self) -> None:
        self._ready = False
        self._closed = False
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        return self._ready

    def set(self, ready: bool) -> None:
        """Change the state, unless it is closed."""
        if not self._closed and ready != self._ready:
            self._ready = ready
            self._wake()

    def close(self) -> None:
        """Make the state false for good."""
        self._ready = False
        self._closed = True
        self._wake()

    async def changes(self) -> AsyncIterator[bool]:
        """Yield the state now and after every change, until it is closed."""
        last: bool | None = None
        while True:
            ready, closed, changed = self._ready, self._closed, self._changed
            if ready != last:
                yield ready
                last = ready
            if closed:
                return
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
