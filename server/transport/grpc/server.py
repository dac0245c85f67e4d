"""The server that carries the gRPC interface: grpc.aio, with its own health and reflection services.

Source of its channel arguments: https://github.com/grpc/grpc/blob/master/include/grpc/impl/channel_arg_names.h
"""

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
from server.errors import BadSetting
from server.settings import ServeSettings
from server.shared_state import ByteBudget, default_body_bytes
from server.transport.grpc.calls import CallHandler
from server.transport.grpc.message_reader import MessageReader
from server.transport.grpc.standard_services import HEALTH, HealthService, Reflection

# How long a client may take to answer a PING of the server.
KEEPALIVE_TIMEOUT_MS = 20_000
# What a client may send of a message before the message is read.
WINDOW_BYTES = 16 * 1024
# What messages being read may take beside the budget, which counts them once they are read: a share of it.
READING_SHARE = 1 / 8
# How long without a new call until all clients count as gone, and how long new calls are answered at most.
QUIET_SECONDS, LAST_SECONDS = 0.5, 5.0
# How long watchers of the health have to read the last status.
WATCH_SECONDS = 0.1


def message_bytes(settings: ServeSettings) -> int:
    """Return the size of the largest message."""
    return settings.grpc_max_message_bytes or default_body_bytes()


def options(settings: ServeSettings) -> list[tuple[str, int]]:
    """Return the channel arguments of the server."""
    return [
        ("grpc.so_reuseport", 0),  # Another process on the port is an error, not a partner.
        ("grpc.max_receive_message_length", message_bytes(settings)),
        ("grpc.max_send_message_length", -1),  # server.api.grpc_services refuses with words.
        ("grpc.max_concurrent_streams", settings.grpc_max_streams),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_connection_age_ms", 1000 * settings.grpc_max_age_seconds),
        ("grpc.max_connection_age_grace_ms", 1000 * settings.grpc_max_age_grace_seconds),
        ("grpc.max_connection_idle_ms", 1000 * settings.grpc_idle_seconds),
        ("grpc.keepalive_time_ms", 1000 * settings.grpc_keepalive_seconds),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000 * settings.grpc_min_ping_seconds),
        ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
        # Else a fast client's stream gets a window of megabytes, which bypasses the limit of messages being read.
        ("grpc.http2.bdp_probe", 0),
    ]


async def serve(
    node: Node, address: str, stop: asyncio.Event, budget: ByteBudget, opened: Callable[[], None]
) -> None:
    """Serve a node on an address (HOST:PORT) until ``stop``; calls in progress may end within the drain seconds.

    Parsed messages are charged to ``budget``; ``opened`` is called when the server accepts calls.

    Raises:
        BadSetting: the address cannot be listened on.
    """
    settings = node.settings
    services = GrpcServices(node, budget, message_bytes(settings))
    health = HealthService(node.client.readiness, services.names)
    reader = MessageReader(
        max(1, int(budget.limit * READING_SHARE) // message_bytes(settings)), settings.read_seconds
    )
    calls = CallHandler(services.methods, reader, settings.grpc_max_calls, node.telemetry)
    server = grpc.aio.server(options=options(settings))
    add_HealthServicer_to_server(health.servicer, server)
    add_reflection: Any = add_ServerReflectionServicer_to_server
    add_reflection(Reflection((*services.names, HEALTH)), server)
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
    """Drain: keep answering while clients notice NOT_SERVING, refuse new calls, then let those in progress end.

    Once stopped, the library ends late calls with CANCELLED, which no client retries
    (https://github.com/grpc/grpc/issues/41785). So it is stopped when no more come.
    """
    end = asyncio.get_running_loop().time() + seconds
    await calls.quiet(QUIET_SECONDS, min(LAST_SECONDS, seconds / 2))
    calls.refuse()
    with suppress(TimeoutError):
        async with asyncio.timeout_at(end):
            await calls.quiet(QUIET_SECONDS, LAST_SECONDS)
            await calls.idle()
    await server.stop(WATCH_SECONDS)  # Health watchers stay connected until then.
