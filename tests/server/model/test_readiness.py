"""Whether the server takes calls, and who is told when that changes."""

from __future__ import annotations

import asyncio

from server.model.readiness import Readiness


def test_it_is_that_of_the_model_until_the_server_ends():
    readiness = Readiness()
    states = [bool(readiness)]
    for loaded in (True, False, True):
        readiness.set(loaded)
        states.append(bool(readiness))
    readiness.close()
    readiness.set(True)
    states.append(bool(readiness))
    assert states == [False, True, False, True, False]


def test_changes_are_told_until_it_is_closed():
    async def told():
        readiness = Readiness()
        seen = []

        async def watch():
            async for ready in readiness.changes():
                seen.append(ready)

        watching = asyncio.create_task(watch())
        for change in (lambda: readiness.set(True), lambda: readiness.set(True), readiness.close):
            await asyncio.sleep(0)
            change()
        await asyncio.wait_for(watching, 5)
        return seen

    assert asyncio.run(told()) == [False, True, False]
