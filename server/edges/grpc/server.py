"""The server that carries the gRPC interface: HTTP/2 in clear text, straight on the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping

from server.budget import Budget
from server.edges.connections import carry
from server.edges.grpc.call import Call
from server.edges.grpc.head import Head, Method
from server.edges.grpc.health import NAME as HEALTH
from server.edges.grpc.health import Health
from server.edges.grpc.reflection import Reflection
from server.edges.grpc.services import Services
from server.edges.grpc.streaming import StreamingCall
from server.edges.grpc.unary import UnaryCall
from server.edges.h2.connection import Connection
from server.edges.h2.context import Context
from server.edges.h2.fields import Fields
from server.edges.h2.shared import Shared
from server.node import Node

# How many messages of the largest size a connection may have under way in either direction.
LARGE_MESSAGES = 2


async def serve(node: Node, sock: socket.socket, stop: asyncio.Event, budget: Budget) -> None:
    """Serve a node on a socket that listens until ``stop``; calls under way may end within the drain seconds.

    What they are parsed to takes from ``budget``.
    """
    settings = node.settings
    services = Services(node, budget)
    health = Health(node.channels.readiness, services.names)
    reflection = Reflection((*services.names, HEALTH))
    methods = services.methods | health.methods | reflection.methods
    limit = settings.grpc_max_message_bytes
    shared = shared_by(methods, limit, settings.max_connections, settings.idle_seconds, settings.read_seconds)
    await run(shared, sock, stop, settings.drain_seconds)


async def run(shared: Shared, sock: socket.socket, stop: asyncio.Event, drain_seconds: float) -> None:
    """Answer what comes on a socket that listens until ``stop``."""
    await carry(shared, lambda: Connection(shared), sock, stop, drain_seconds)


def shared_by(
    methods: Mapping[str, Method],
    limit: int,
    max_connections: int,
    idle_seconds: float,
    read_seconds: float,
) -> Shared:
    """Return what connections have in common that answer by ``methods``, whose messages may have ``limit`` bytes."""

    def read(fields: Fields) -> Head:
        return Head(fields, methods)

    def call(context: Context, number: int, head: Head) -> Call:
        unary, streaming = head.method
        if head.refusal is None and unary is not None:
            return UnaryCall(context, number, head, limit, unary)
        if head.refusal is None and streaming is not None:
            return StreamingCall(context, number, head, limit, streaming)
        return Call(context, number, head, limit)

    return Shared(
        read,
        call,
        LARGE_MESSAGES * limit,
        max_connections=max_connections,
        idle_seconds=idle_seconds,
        read_seconds=read_seconds,
    )
