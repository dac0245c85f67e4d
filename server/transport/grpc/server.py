"""The server that carries the gRPC interface: grpc.aio, with its own health and reflection services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

from server.api.grpc_services import GrpcServices
from server.api.node import Node
from server.byte_budget import ByteBudget
from server.errors import BadSetting
from server.transport.grpc.calls import CallHandler
from server.transport.grpc.health import NAME, HealthService
from server.transport.grpc.options import message_bytes, options
from server.transport.grpc.reading import Reading
from server.transport.grpc.reflection import Reflection

# What messages that are being read may take beside the budget, which counts them once they are: a part of it.
READING_SHARE = 1 / 8
# How long no call must have come for that all clients are taken to have gone, and how long they are answered at most.
QUIET_SECONDS, LAST_SECONDS = 0.5, 5.0
# How long whoever watches the health has to take that it is over.
WATCH_SECONDS = 0.1


async def serve(
    node: Node, address: str, stop: asyncio.Event, budget: ByteBudget, opened: Callable[[], None]
) -> None:
    """Serve a node on an address (HOST:PORT) until ``stop``; calls in progress may end within the drain seconds.

    What they are parsed to takes from ``budget``; ``opened`` is told when it can be called.

    Raises:
        BadSetting: the address cannot be listened on.
    """
    settings = node.settings
    services = GrpcServices(node, budget, message_bytes(settings))
    health = HealthService(node.client.readiness, services.names)
    reading = Reading(
        max(1, int(budget.limit * READING_SHARE) // message_bytes(settings)), settings.read_seconds
    )
    calls = CallHandler(services.methods, reading, settings.grpc_max_calls)
    server = grpc.aio.server(options=options(settings))
    add_HealthServicer_to_server(health.servicer, server)
    add_reflection: Any = add_ServerReflectionServicer_to_server
    add_reflection(Reflection((*services.names, NAME)), server)
    following = asyncio.create_task(health.follow())
    try:
        await run(server, calls, address, stop, settings.drain_seconds, opened)
    finally:
        following.cancel()


async def run(
    server: grpc.aio.Server,
    calls: CallHandler,
    address: str,
    stop: asyncio.Event,
    drain_seconds: float,
    opened: Callable[[], None],
) -> None:
    """Answer ``calls`` beside what else the server has, until ``stop``.

    Raises:
        BadSetting: the address cannot be listened on.
    """
    server.add_generic_rpc_handlers((calls,))
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise BadSetting(
            f"cannot listen on {address}: the port must be free and the address this machine's; choose another by "
            "PREDICTIVE_UNIT_GRPC_SERVICE_PORT or SERVER_HOST"
        ) from error
    await server.start()
    opened()
    await stop.wait()
    await _end(server, calls, drain_seconds)


async def _end(server: grpc.aio.Server, calls: CallHandler, seconds: float) -> None:
    """End the calls under way, once clients have had time to see by the health that they are to go elsewhere.

    The library ends calls that come after it was told to stop with CANCELLED, which no client sends again
    (https://github.com/grpc/grpc/issues/41785). So it is told when no more come.
    """
    end = asyncio.get_running_loop().time() + seconds
    await calls.quiet(QUIET_SECONDS, min(LAST_SECONDS, seconds / 2))
    calls.refuse()
    with suppress(TimeoutError):
        async with asyncio.timeout_at(end):
            await calls.quiet(QUIET_SECONDS, LAST_SECONDS)
            await calls.idle()
    await server.stop(WATCH_SECONDS)  # Whoever watches the health does so until then.
