"""Several things at the same time, of which none goes on when one has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def together(*work: Coroutine[None, None, None]) -> None:
    """Run all of ``work`` to its end. The first exception cancels the rest and is raised as it is."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for entry in work:
                group.create_task(entry)
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    # Raised here, so that it keeps its own cause and not the group.
    if failure is not None:
        raise failure
