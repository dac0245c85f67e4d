"""Open the ports at once, load the model beside, and end in order."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
import socket
from pathlib import Path

import uvloop

from server.edges import http_server
from server.edges.collection import freeze_when_ready
from server.edges.listen import listen
from server.model.launch import Launched
from server.model.process import ModelProcess
from server.node import Node, model_process
from server.settings import ServeSettings

log = logging.getLogger(__name__)


def serve(settings: ServeSettings, environment: Path, launched: Launched | None = None) -> None:
    """Serve the model until SIGTERM or SIGINT, by the process that was ``launched`` already if it was.

    Raises:
        ModelNotLoaded: the model cannot be loaded in its environment.
        NotAModel: the folder holds no model.
        BadSetting: a port cannot be listened on.
    """
    node = Node(settings)
    process = model_process(node, environment, launched)
    with (
        listen(settings.host, settings.http_port) as sock,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_run(node, process, sock))


async def _run(node: Node, process: ModelProcess, sock: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loading = asyncio.create_task(process.run())
    faces = [asyncio.create_task(http_server.serve(node, sock, stop)), asyncio.create_task(_grpc(node, stop))]
    freezing = asyncio.create_task(freeze_when_ready(node.channels.readiness))
    stopping = asyncio.create_task(stop.wait())
    settings = node.settings
    log.info(
        "%s %s listens on %s, ports %d (REST) and %d (gRPC)",
        *(settings.service_type, node.model.folder),
        *(settings.host, settings.http_port, settings.grpc_port),
    )
    try:
        await asyncio.wait((loading, stopping, *faces), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        node.channels.readiness.close()
        ended = await asyncio.gather(freezing, *faces, return_exceptions=True)
        node.channels.close()
        loading.cancel()
        ended += await asyncio.gather(loading, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


async def _grpc(node: Node, stop: asyncio.Event) -> None:
    with node.channels.readiness.held():
        # Importing gRPC takes a while, in which REST answers and the model loads.
        face = await asyncio.to_thread(importlib.import_module, "server.edges.grpc_server")
        server = await face.start(node)
    await stop.wait()
    await server.stop(node.settings.drain_seconds)
