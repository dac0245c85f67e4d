"""The clock that keeps a server's connections in time."""

from __future__ import annotations

import asyncio

from server.transport.connections import Connections, serve_connections
from server.transport.listener import listen


class Late:
    """A connection whose time is over, and that may not bear that."""

    def __init__(self, connections, error=None):
        self.deadline = 0.0
        self.expired = 0
        self.aborted = asyncio.Event()
        self._connections = connections
        self._error = error

    def expire(self):
        self.expired += 1
        if self._error:
            raise self._error
        self.abort()

    def drain(self):
        self.abort()

    def abort(self):
        self._connections.discard(self)
        self.aborted.set()


def test_one_that_fails_at_its_end_is_ended_and_holds_no_other(caplog):
    async def run():
        shared = Connections(max_connections=9, idle_seconds=9, read_seconds=9)
        stop = asyncio.Event()
        serving = asyncio.create_task(
            serve_connections(shared, asyncio.Protocol, listen("127.0.0.1", 0), stop, 0)
        )
        for error in (RuntimeError("as asked"), None):
            late = Late(shared.connections, error)
            shared.connections.add(late)
            await asyncio.wait_for(late.aborted.wait(), 20)
            assert late.expired == 1
        stop.set()
        await serving

    asyncio.run(run())
    assert [record.message for record in caplog.records] == ["a connection cannot be kept in time"]
