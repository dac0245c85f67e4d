"""The server that carries the REST interface: HTTP/1.1 straight on the event loop."""

from __future__ import annotations

import asyncio
import socket

from server.budget import Budget, default_body_bytes
from server.edges.connections import carry
from server.edges.http_connection import Connection
from server.edges.http_shared import Shared
from server.edges.rest import Rest
from server.node import Node
from server.shared_counter import SharedCounter


async def serve(
    node: Node, sock: socket.socket, stop: asyncio.Event, connections: SharedCounter, budget: Budget
) -> None:
    """Serve a node on a socket that listens until ``stop``; requests under way may end within the drain seconds.

    ``connections`` counts those of every process that serves it, ``budget`` is theirs too.
    """
    settings = node.settings
    shared = Shared(
        Rest(node, budget).respond,
        max_body_bytes=settings.max_body_bytes or default_body_bytes(),
        budget=budget,
        max_connections=settings.max_connections,
        idle_seconds=settings.idle_seconds,
        read_seconds=settings.read_seconds,
        taken=connections,
    )
    await run(shared, sock, stop, settings.drain_seconds)


async def run(shared: Shared, sock: socket.socket, stop: asyncio.Event, drain_seconds: float) -> None:
    """Answer what comes on a socket that listens by ``shared.respond`` until ``stop``."""
    await carry(shared, lambda: Connection(shared), sock, stop, drain_seconds)
