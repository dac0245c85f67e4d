"""Whether the server takes calls, and when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager


class Readiness:
    """A state that is true while the model is loaded, every face listens and the server does not end."""

    def __init__(self) -> None:
        self._loaded = False
        self._holds = 0
        self._closed = False
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        return self._loaded and not self._holds and not self._closed

    def set(self, loaded: bool) -> None:
        """Say whether the model is loaded."""
        self._loaded = loaded
        self._wake()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the state false meanwhile."""
        self._holds += 1
        self._wake()
        try:
            yield
        finally:
            self._holds -= 1
            self._wake()

    async def released(self) -> None:
        """Wait until nothing keeps the state false but the model, or it is closed."""
        while self._holds and not self._closed:
            await self._changed.wait()

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
