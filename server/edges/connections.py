"""What the connections of one server have in common, and how they are taken, kept in time, and ended."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from server.edges.accept import Acceptor
from server.shared_counter import SharedCounter

# How exact times are, in seconds.
TICK = 0.1
# How long a client may go on sending what is not read, so that it gets to the answer before the connection is cut.
LINGER_SECONDS = 5.0
# How long a connection waits for a request before it counts as idle.
IDLE_SECONDS = 0.5
# How long a connection that has sent nothing yet is kept.
FRESH_SECONDS = 5.0
# The least that a client has to send or take, in bytes per second, over any ``read_seconds`` that it does not end in.
SLOWEST = 16 * 1024
# How long a connection without a request is kept when the server ends: one may be under way, as its client could not know.
DRAINED_SECONDS = 1.0
NEVER = float("inf")
log = logging.getLogger(__name__)

_AT_ONCE = struct.pack("ii", 1, 0)


class Timed(Protocol):
    """A connection as the server sees it."""

    @property
    def deadline(self) -> float:
        """When the server's clock has it ``expire``."""

    def expire(self) -> None:
        """Give up a client that has taken too long."""

    def drain(self) -> None:
        """End with the answers under way, or now where there are none."""

    def abort(self) -> None:
        """End now."""


class Yielding(Protocol):
    """A connection that waits for a request."""

    def give_way(self) -> None:
        """End, and count no more from now on."""


@dataclass(kw_only=True)
class Connections:
    """What the connections of one server have in common.

    ``taken`` counts those of every process of the server, ``refused`` those of this one that count no more since they
    only wait for their client to see that they are refused; ``now`` is as the server's clock has it.
    """

    max_connections: int
    idle_seconds: float
    read_seconds: float
    connections: set[Timed] = field(default_factory=set)
    taken: SharedCounter = field(default_factory=SharedCounter)
    refused: int = 0
    draining: bool = False
    now: float = 0.0
    # Since when they wait for a request, the one idle longest first: those that have sent nothing yet, and the others.
    fresh: dict[Yielding, float] = field(default_factory=dict)
    idle: dict[Yielding, float] = field(default_factory=dict)

    def make_room(self) -> None:
        """End the connection of this process that is idle longest, if there is one; the first are those that never sent anything."""
        for waiting in (self.fresh, self.idle):
            connection, since = next(iter(waiting.items()), (None, self.now))
            # The request of one that is new is on its way.
            if connection is not None and self.now - since >= IDLE_SECONDS:
                connection.give_way()
                return

    @property
    def drained_seconds(self) -> float:
        """How long a connection without a request is kept when the server ends."""
        return min(self.idle_seconds, DRAINED_SECONDS)

    def tick(self, now: float) -> None:
        """Take the time."""
        self.now = now


async def carry(
    shared: Connections,
    protocol: Callable[[], asyncio.Protocol],
    sock: socket.socket,
    stop: asyncio.Event,
    drain_seconds: float,
) -> None:
    """Take connections from a socket that listens until ``stop``; then let them end within the drain seconds."""
    loop = asyncio.get_running_loop()
    shared.tick(loop.time())
    clock = loop.create_task(_clock(shared))
    try:
        acceptor = Acceptor(sock, protocol, shared.taken)
        await stop.wait()
        acceptor.close()
        shared.draining = True
        for connection in tuple(shared.connections):
            connection.drain()
        end = loop.time() + drain_seconds
        while (shared.connections or acceptor.pending) and loop.time() < end:
            await asyncio.sleep(TICK / 10)
    finally:
        clock.cancel()
        for connection in tuple(shared.connections):
            connection.abort()


def cut(transport: asyncio.Transport) -> None:
    """End a connection now, and take what is not sent yet from the system too."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()


async def _clock(shared: Connections) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(TICK)
        shared.tick(loop.time())
        for connection in tuple(shared.connections):
            if connection.deadline < shared.now:
                try:
                    connection.expire()
                except Exception:
                    # The clock goes on for all others.
                    log.exception("a connection cannot be kept in time")
                    connection.abort()
