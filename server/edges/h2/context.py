"""What the streams of a connection have of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.edges.connections import NEVER, Connections
from server.edges.h2.blocks import NO_TABLE
from server.edges.h2.output import Output
from server.edges.h2.patience import Patience
from server.edges.h2.room import Room
from server.edges.h2.streams import Streams


class Context:
    """The parts of a connection: ``output`` and ``streams``, the ``room`` for large messages, ``patience`` with the client.

    ``deadline`` is when the connection is looked at for what has not come.

    Args:
        shared: what the server's connections have in common.
        transport: what the connection goes over.
        max_held: how many bytes of large messages may be under way in either direction.
        changed: is called when the last open stream has ended.
    """

    def __init__(
        self, shared: Connections, transport: asyncio.Transport, max_held: int, changed: Callable[[], None]
    ) -> None:
        self.deadline = NEVER
        self.shared = shared
        self.patience = Patience(shared)
        self.output = Output(transport, max_held)
        self.room = Room(max_held, self.output)
        self.streams = Streams(self.output, self.room, self.patience, changed)
        self._preamble = NO_TABLE

    def within(self, seconds: float) -> float:
        """Return the time in so many seconds, when it shall be looked at what has come."""
        time = self.shared.now + seconds
        self.deadline = min(self.deadline, time)
        return time

    def first(self) -> bytes:
        """Return what the first block of header fields begins with, and nothing for those after it."""
        preamble, self._preamble = self._preamble, b""
        return preamble
