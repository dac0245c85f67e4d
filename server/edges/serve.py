"""Open the ports at once, load the model beside, and end in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from server.cpus import granted
from server.edges import health, http_server
from server.edges.collection import freeze_when_ready
from server.edges.edge import Edge
from server.edges.grpc import server as grpc_server
from server.edges.listen import listen
from server.edges.rest import Rest
from server.model.control import Control
from server.model.launch import Launched
from server.model.process import ModelProcess
from server.node import Node, model_process, take_channels
from server.settings import ServeSettings
from server.shared_state import SharedState

# More parse faster than a model answers, unless they are asked for.
MOST_EDGES = 4
# How long a process may take to end beyond the drain seconds.
END_SECONDS = 5
# How long before their end an answer that still comes in parts is ended, so that its client can be told.
STREAM_SECONDS = 1

log = logging.getLogger(__name__)


def serve(settings: ServeSettings, environment: Path, launched: Launched) -> None:
    """Serve the model by the process that was ``launched`` until SIGTERM or SIGINT.

    Raises:
        ModelNotLoaded: the model cannot be loaded in its environment.
        NotAModel: the folder holds no model.
        BadSetting: a port cannot be listened on.
        EdgeEnded: one of the server's processes has died.
    """
    # One CPU is the model's: with two, a second process took a fifth from the throughput of small requests.
    count = settings.edge_processes or min(max(1, granted(settings.cpu_request) - 1), MOST_EDGES)
    state = SharedState(settings, count)
    node = Node(settings, state.waiting)
    with (
        listen(settings.host, settings.http_port) as sock,
        listen(settings.host, settings.grpc_port, "PREDICTIVE_UNIT_GRPC_SERVICE_PORT") as grpc_sock,
        listen(settings.host, settings.health_port, "PREDICTIVE_UNIT_METRICS_SERVICE_PORT") as health_sock,
    ):
        gc.freeze()  # What is shared with the edges stays so where the collector does not write to it.
        edges: list[Edge] = []
        for number in range(1, count):

            def work(control: socket.socket, number: int = number) -> None:
                state.become(number)
                _run(_further(node, sock, state, Control(control)))

            left = (launched.sock, grpc_sock, health_sock, *(edge.sock for edge in edges))
            edges.append(Edge(work, left))
        process = model_process(node, environment, launched, [edge.control for edge in edges])
        # Its thread begins when all processes are forked.
        with health.listening(health.Health(node, state), health_sock, settings.idle_seconds):
            _run(_first(node, process, sock, grpc_sock, state, edges))


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def _first(
    node: Node,
    process: ModelProcess,
    sock: socket.socket,
    grpc_sock: socket.socket,
    state: SharedState,
    edges: list[Edge],
) -> None:
    """Serve as the first process: it has gRPC, and rules the others and the model's."""
    settings = node.settings
    log.info(
        "%s %s listens on %s, ports %d (REST, %d processes), %d (gRPC) and %d (health and metrics)",
        *(settings.service_type, node.model.folder),
        *(settings.host, settings.http_port, 1 + len(edges), settings.grpc_port, settings.health_port),
    )
    stop = _stop_on_signals()
    faces = (
        http_server.serve(Rest(node, state).respond, settings, sock, stop, state),
        grpc_server.serve(node, grpc_sock, stop, state.budget),
    )
    others = (process.run(), *(edge.run(process.fail) for edge in edges))
    await _serve(node, stop, state, faces, others, edges)


async def _further(node: Node, sock: socket.socket, state: SharedState, control: Control) -> None:
    """Serve REST as another process, until the first one closes its end of the control socket."""
    stop = _stop_on_signals()
    face = http_server.serve(Rest(node, state).respond, node.settings, sock, stop, state)
    await _serve(node, stop, state, (face,), (take_channels(node, control),), ())


async def _serve(
    node: Node,
    stop: asyncio.Event,
    state: SharedState,
    faces: Sequence[Coroutine[Any, Any, None]],
    others: Sequence[Coroutine[Any, Any, None]],
    edges: Sequence[Edge],
) -> None:
    """Serve by ``faces`` beside ``others``, until ``stop`` or one of them ends; then let requests under way end."""
    serving = [asyncio.create_task(face) for face in faces]
    beside = [asyncio.create_task(other) for other in others]
    freezing = asyncio.create_task(freeze_when_ready(node.channels.readiness))
    stopping = asyncio.create_task(stop.wait())
    beating = asyncio.create_task(state.heartbeats.beat())
    try:
        await asyncio.wait((stopping, *serving, *beside), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        node.channels.readiness.close()
        drain_seconds = node.settings.drain_seconds
        asyncio.get_running_loop().call_later(
            max(0, drain_seconds - STREAM_SECONDS), node.channels.end_streams
        )
        seconds = drain_seconds + END_SECONDS
        ending = (edge.end(seconds) for edge in edges)
        ended: list[object] = [task.exception() for task in beside if task.done()]
        ended += await asyncio.gather(freezing, *serving, *ending, return_exceptions=True)
        node.channels.close()
        for task in (*beside, beating):
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
