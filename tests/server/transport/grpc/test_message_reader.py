"""What a client is told whose message does not come."""

from __future__ import annotations

import asyncio

import pytest

from server.errors import Overloaded, TooSlow
from server.transport.grpc.message_reader import MessageReader


class Stalled:
    """The context of a call whose message never comes."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def read(self) -> bytes:
        self.begun.set()
        await asyncio.Event().wait()
        return b""


def test_a_message_that_others_waited_for_is_told_so_though_they_have_gone():
    async def read() -> bytes:
        reader = MessageReader(1, 30)
        stalled = Stalled()
        slow = asyncio.create_task(reader.read(stalled))
        await stalled.begun.wait()
        waiting = asyncio.create_task(reader.read(Stalled()))
        await asyncio.sleep(0)  # It waits now.
        waiting.cancel()
        return await slow

    with pytest.raises(Overloaded, match=r"^the request has not come in 0\.5 seconds while others waited"):
        asyncio.run(read())


def test_a_message_that_nobody_waited_for_is_told_the_limit():
    async def read() -> bytes:
        return await MessageReader(1, 0.2).read(Stalled())

    with pytest.raises(TooSlow, match=r"^the request has not come in 0\.2 seconds: send it faster"):
        asyncio.run(read())
