"""Headers that not every writer of JSON knows, from the server to the model's process and back."""

from __future__ import annotations

import asyncio
import socket

import pytest

from server.ipc import wire
from server.ipc.connection import FrameConnection
from server.model.frame_protocol import FrameProtocol


class Heard(FrameProtocol):
    def __init__(self):
        super().__init__()
        self.headers = asyncio.Queue()

    def received(self, header, values):
        self.headers.put_nowait(header)

    def ended(self):
        pass


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            {"names": ["ä", "b"], "convert": {1: "datetime"}},
            {"names": ["ä", "b"], "convert": {"1": "datetime"}},
        ),
        ({"names": ["half a pair: \ud83d"]}, None),
        ({"params": {"large": 2**70, "low": float("-inf")}}, None),
    ],
    ids=["types by column", "surrogate", "parameters"],
)
def test_any_header_gets_there_and_back(header, said):
    async def run():
        ours, theirs = socket.socketpair()
        with theirs:
            heard = Heard()
            await asyncio.get_running_loop().create_unix_connection(lambda: heard, sock=ours)
            process = FrameConnection(theirs)
            heard.send(header, [])
            there, _ = await asyncio.to_thread(process.receive)
            process.send(wire.pack(there, []))
            async with asyncio.timeout(20):
                back = await heard.headers.get()
            heard.close()
            return there, back

    there, back = asyncio.run(run())
    assert there == back == {**(said or header), "values": []}
