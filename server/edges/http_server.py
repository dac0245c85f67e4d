"""The server that carries the REST interface."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from server.edges.asgi import Application
from server.edges.rest import Rest
from server.errors import BadSetting
from server.node import Node


async def serve(node: Node, stop: asyncio.Event) -> None:
    """Serve a node until ``stop``; requests under way may end within the drain seconds.

    Raises:
        BadSetting: the port cannot be listened on.
    """
    settings = node.settings
    config = uvicorn.Config(
        Application(Rest(node), settings.max_body_bytes),
        host=settings.host,
        port=settings.http_port,
        http="httptools",
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    server = _Server(config)
    stopping = asyncio.create_task(_stop(server, stop))
    try:
        await server.serve()
    except SystemExit as error:
        # uvicorn's way to say that it cannot listen; it has logged the reason.
        raise BadSetting(
            f"cannot listen on {settings.host}:{settings.http_port}: the port must be free and the address "
            "this machine's; choose another by PREDICTIVE_UNIT_HTTP_SERVICE_PORT or SERVER_HOST"
        ) from error
    finally:
        stopping.cancel()


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals alone: it would end the process by them before the model's is."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
