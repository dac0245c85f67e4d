"""The server that carries the REST interface."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from server.edges.asgi import Application
from server.edges.rest import Rest
from server.node import Node


async def serve(node: Node, sock: socket.socket, stop: asyncio.Event) -> None:
    """Serve a node on a socket that listens until ``stop``; requests under way may end within the drain seconds."""
    settings = node.settings
    config = uvicorn.Config(
        Application(Rest(node), settings.max_body_bytes),
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
        await server.serve([sock])
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
