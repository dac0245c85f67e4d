"""A server of HTTP/1.1 straight on the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial

from server.api.routes import HttpRequest, HttpResponse, HttpStream
from server.settings import ServeSettings
from server.shared_state import SharedState, default_body_bytes
from server.telemetry.call_record import Telemetry
from server.transport.connections import HttpServerState, serve_connections
from server.transport.http.connection import HttpConnection


def body_bytes(settings: ServeSettings) -> int:
    """Return the size of the largest body."""
    return settings.max_body_bytes or default_body_bytes()


async def serve(
    respond: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]],
    settings: ServeSettings,
    sock: socket.socket,
    stop: asyncio.Event,
    state: SharedState,
    telemetry: Telemetry,
) -> None:
    """Answer what comes on a socket that listens until ``stop``; requests under way may end within the drain seconds.

    What is refused before ``respond`` sees it is told to ``telemetry``.
    """
    shared = HttpServerState(
        respond,
        max_body_bytes=body_bytes(settings),
        budget=state.budget,
        max_connections=settings.max_connections,
        idle_seconds=settings.idle_seconds,
        read_seconds=settings.read_seconds,
        taken=state.connections,
        on_refusal=partial(telemetry.refuse, "rest"),
    )
    await run(shared, sock, stop, settings.drain_seconds)


async def run(
    shared: HttpServerState, sock: socket.socket, stop: asyncio.Event, drain_seconds: float
) -> None:
    """Answer what comes on a socket that listens by ``shared.respond`` until ``stop``."""
    await serve_connections(shared, lambda: HttpConnection(shared), sock, stop, drain_seconds)
