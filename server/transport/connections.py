"""The connections of one HTTP/1.1 server: limits, timeouts, eviction of idle ones, unread responses, draining."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Protocol

from server.api.routes import HttpRequest, HttpResponse, HttpStream
from server.errors import BudgetFull, ServerError
from server.shared_state import ByteBudget, SharedCounter, default_limit
from server.transport.listener import Acceptor

log = logging.getLogger(__name__)

# Resolution of the timeouts, in seconds.
TICK = 0.1
# How long a client may go on sending after its last answer, so that it reads that before the connection closes.
LINGER_SECONDS = 5.0
# How long a connection waits for a request before it counts as idle.
IDLE_SECONDS = 0.5
# How long a connection that has sent nothing yet is kept.
FRESH_SECONDS = 5.0
# The minimum rate at which a client must send or receive, in bytes per second, over any ``read_seconds``.
MIN_BYTES_PER_SECOND = 16 * 1024
# How long a connection without a request is kept when the server ends: one may be under way, as its client could not know.
DRAINED_SECONDS = 1.0
NEVER = float("inf")

_AT_ONCE = struct.pack("ii", 1, 0)
# Is told of a request that is refused, and of its client's address.
Refused = Callable[[ServerError, str], None]


class TimedConnection(Protocol):
    """A connection with a deadline."""

    @property
    def deadline(self) -> float:
        """The time, by the server's clock, at which ``expire`` is called."""

    def expire(self) -> None:
        """Time out."""

    def drain(self) -> None:
        """Close after the responses in progress, or now where no response is."""

    def abort(self) -> None:
        """End now."""


class Evictable(Protocol):
    """An idle connection, which may be closed for another one."""

    def evict(self) -> None:
        """Close, and leave the connection counter."""


@dataclass(kw_only=True)
class Connections:
    """The connections of one listener, their limits and timeouts.

    ``taken`` counts those of all server processes, ``refused`` those of this process that were refused, and stay open
    uncounted until their client has read that; ``now`` is the time by the server's clock.
    """

    max_connections: int
    idle_seconds: float
    read_seconds: float
    connections: set[TimedConnection] = field(default_factory=set)
    taken: SharedCounter = field(default_factory=SharedCounter)
    refused: int = 0
    draining: bool = False
    now: float = 0.0
    # Since when they wait for a request, the one idle longest first: those that have sent nothing yet, and the others.
    fresh: dict[Evictable, float] = field(default_factory=dict)
    idle: dict[Evictable, float] = field(default_factory=dict)

    def evict_idle(self) -> None:
        """Close this process's longest idle connection, if any; those that never sent a request go first."""
        for waiting in (self.fresh, self.idle):
            connection, since = next(iter(waiting.items()), (None, self.now))
            # The request of one that is new is on its way.
            if connection is not None and self.now - since >= IDLE_SECONDS:
                connection.evict()
                return

    @property
    def drained_seconds(self) -> float:
        """How long a connection without a request is kept when the server ends."""
        return min(self.idle_seconds, DRAINED_SECONDS)

    def tick(self, now: float) -> None:
        """Set the clock."""
        self.now = now


async def serve_connections(
    shared: Connections,
    protocol: Callable[[], asyncio.Protocol],
    sock: socket.socket,
    stop: asyncio.Event,
    drain_seconds: float,
) -> None:
    """Accept connections until ``stop``, then drain them within the drain seconds."""
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


def reset(transport: asyncio.Transport) -> None:
    """Reset a connection: what is not sent yet is dropped from the kernel's buffer too (SO_LINGER 0)."""
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
                    # The clock keeps ticking for all others.
                    log.exception("a connection cannot be kept in time")
                    connection.abort()


class Unread(Protocol):
    """A connection with unread responses."""

    def leave(self) -> None:
        """Reset the connection, and release what is held for them."""


@dataclass
class HttpServerState(Connections):
    """The connections, the application that answers, and the byte budget of requests being read.

    ``date`` is the header line of the current second, ``on_refusal`` is told of what is refused before the application sees it,
    with the client's address.
    """

    respond: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
    max_body_bytes: int
    budget: ByteBudget = field(default_factory=lambda: ByteBudget(default_limit()))
    on_refusal: Refused = lambda error, client: None
    date: bytes = b""
    # Connections with unread responses, the longest unread first.
    unread: dict[Unread, None] = field(default_factory=dict)

    def hold(self, connection: Unread, size: int) -> bool:
        """Acquire the bytes of unread responses, and return whether they may be held.

        If the budget is full, connections whose responses have been unread longest are reset.
        """
        size = self._charged(size)
        while True:
            try:
                self.budget.acquire(size)
            except BudgetFull:
                first = next(iter(self.unread), None)
                if first is None:
                    return False
                first.leave()
            else:
                self.unread[connection] = None
                return True

    def release(self, connection: Unread, size: int) -> None:
        """Give back what ``hold`` has charged."""
        self.unread.pop(connection, None)
        self.budget.release(self._charged(size))

    def _charged(self, size: int) -> int:
        return min(size, self.budget.limit // 4)  # One that is larger alone shall be sent too.

    def tick(self, now: float) -> None:
        """Set the clock, and the date header of its second."""
        super().tick(now)
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
