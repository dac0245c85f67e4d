"""One timer for the deadlines of all calls."""

from __future__ import annotations

import asyncio

import numpy as np

from server.model.batcher import Call, Deadlines


def call():
    return Call({}, [np.zeros((1, 1))], asyncio.get_running_loop().create_future())


def test_each_call_expires_in_its_turn_and_one_that_ended_does_not():
    async def run():
        expired = []
        last = asyncio.Event()

        def expire(which):
            expired.append(names[which])
            if names[which] == "last":
                last.set()

        deadlines = Deadlines(0.05, expire)
        names = {call(): name for name in ("first", "ended", "last")}
        for which, name in names.items():
            deadlines.add(which)
            if name == "ended":
                deadlines.remove(which)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            await last.wait()
        later = call()
        names[later] = "last"
        last.clear()
        deadlines.add(later)
        async with asyncio.timeout(20):
            await last.wait()
        return expired

    assert asyncio.run(run()) == ["first", "last", "last"]
