"""The server's readiness, and its changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator


class Readiness:
    """True while the model is loaded and the server is not draining."""

    def __init__(self) -> None:
        self._loaded = False
        self._closed = False
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        return self._loaded and not self._closed

    def set(self, loaded: bool) -> None:
        """Set whether the model is loaded."""
        self._loaded = loaded
        self._wake()

    def close(self) -> None:
        """Make the state false for good."""
        self._closed = True
        self._wake()

    async def changes(self) -> AsyncIterator[bool]:
        """Yield the state now and after every change, until it is closed."""
        last: bool | None = None
        while True:
            ready, closed, changed = bool(self), self._closed, self._changed
            if ready != last:
                yield ready
                last = ready
            if closed:
                return
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
