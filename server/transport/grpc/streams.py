"""A limit of the long-lived streams of the standard services (health, reflection)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

# A replica has a few clients that watch its health or ask for its services: orchestrators, meshes, people.
MOST = 100


class Streams:
    """Counts the streams of one kind, of which there may be ``MOST``.

    Args:
        what: what their clients do.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._count = 0

    @asynccontextmanager
    async def one(self, context: Any) -> AsyncIterator[None]:
        """Count one more as long as the context lasts, or end its call with RESOURCE_EXHAUSTED."""
        if self._count >= MOST:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MOST} clients {self._what}: no more may"
            )
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
