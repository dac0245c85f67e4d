"""The server that carries the REST interface: HTTP/1.1 straight on the event loop."""

from __future__ import annotations

import asyncio
import socket
from email.utils import formatdate

from server.edges.accept import Acceptor
from server.edges.http_connection import Connection
from server.edges.http_shared import Shared
from server.edges.rest import Rest
from server.node import Node
from server.tally import Tally

# How exact times are, in seconds.
TICK = 0.1


async def serve(node: Node, sock: socket.socket, stop: asyncio.Event, connections: Tally) -> None:
    """Serve a node on a socket that listens until ``stop``; requests under way may end within the drain seconds.

    ``connections`` counts those of every process that serves it.
    """
    settings = node.settings
    shared = Shared(
        Rest(node).respond,
        max_body_bytes=settings.max_body_bytes,
        max_connections=settings.max_connections,
        idle_seconds=settings.idle_seconds,
        read_seconds=settings.read_seconds,
        taken=connections,
    )
    await run(shared, sock, stop, settings.drain_seconds)


async def run(shared: Shared, sock: socket.socket, stop: asyncio.Event, drain_seconds: float) -> None:
    """Answer what comes on a socket that listens by ``shared.respond`` until ``stop``."""
    loop = asyncio.get_running_loop()
    _tick(shared)
    clock = loop.create_task(_clock(shared))
    try:
        acceptor = Acceptor(sock, lambda: Connection(shared), shared.taken)
        await stop.wait()
        acceptor.close()
        shared.draining = True
        for connection in tuple(shared.connections):
            connection.drain()
        end = loop.time() + drain_seconds
        while shared.connections and loop.time() < end:
            await asyncio.sleep(TICK / 10)
    finally:
        clock.cancel()
        for connection in tuple(shared.connections):
            connection.abort()


async def _clock(shared: Shared) -> None:
    while True:
        await asyncio.sleep(TICK)
        _tick(shared)
        for connection in tuple(shared.connections):
            if connection.deadline < shared.now:
                connection.expire()


def _tick(shared: Shared) -> None:
    shared.now = asyncio.get_running_loop().time()
    shared.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
