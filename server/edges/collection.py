"""Garbage collection: what the server is made of is left out of it, so that no request waits for all of that to be looked at."""

from __future__ import annotations

import gc

from server.model.readiness import Readiness


async def freeze_when_ready(readiness: Readiness) -> None:
    """Return when the server is ready for the first time and all that there is by then is frozen, or it ends before."""
    async for ready in readiness.changes():
        if ready:
            gc.collect()
            gc.freeze()
            return
