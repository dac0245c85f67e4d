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

from server.budget import default_body_bytes
from server.cpus import granted
from server.edges import health, http_server, large
from server.edges.collection import freeze_when_ready
from server.edges.edge import Edge
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
    largest = settings.max_body_bytes or default_body_bytes()
    apart = 0 < settings.large_body_bytes < largest
    state = SharedState(settings, count, apart + settings.grpc)
    node = Node(settings, state.waiting, count)
    address = _grpc_address(settings) if settings.grpc else ""
    with (
        listen(settings.host, settings.http_port) as sock,
        listen(settings.host, settings.health_port, "PREDICTIVE_UNIT_METRICS_SERVICE_PORT") as health_sock,
    ):
        gc.freeze()  # What is shared with the edges stays so where the collector does not write to it.
        edges: list[Edge] = []
        # Between each process that reads requests and the one that answers the large ones.
        pairs = [socket.socketpair() for _ in range(count if apart else 0)]
        for number in range(1, count):

            def work(control: socket.socket, number: int = number) -> None:
                state.become(number)
                own = _own(pairs, number)
                _run(_further(node, sock, state, own, Control(control)))

            left = (launched.sock, health_sock, *(edge.sock for edge in edges))
            edges.append(Edge(work, left))
        if apart:

            def answer(control: socket.socket) -> None:
                state.become(count)
                for ours, _ in pairs:
                    ours.close()
                _run(_large(node, state, [theirs for _, theirs in pairs], Control(control)))

            left = (launched.sock, sock, health_sock, *(edge.sock for edge in edges))
            edges.append(Edge(answer, left))
        if settings.grpc:

            def call(control: socket.socket) -> None:
                state.become(count + apart)
                _own(pairs, None)
                _run(_grpc(node, address, state, Control(control)))

            left = (launched.sock, sock, health_sock, *(edge.sock for edge in edges))
            edges.append(Edge(call, left))
        own = _own(pairs, 0)
        # gRPC's process is the last; the others' socket listens already.
        opened = edges[-1].opened.wait if settings.grpc else None
        process = model_process(node, environment, launched, [edge.control for edge in edges], opened)
        # Its thread begins when all processes are forked.
        with health.listening(health.Health(node, state), health_sock, settings.idle_seconds):
            _run(_first(node, process, sock, count, state, own, edges))


def _own(pairs: list[tuple[socket.socket, socket.socket]], number: int | None) -> socket.socket | None:
    """Return a process's end of its pair, if it has one, and close all others."""
    for place, (ours, theirs) in enumerate(pairs):
        theirs.close()
        if place != number:
            ours.close()
    return None if number is None or not pairs else pairs[number][0]


def _grpc_address(settings: ServeSettings) -> str:
    """Return where gRPC listens, seen to be free: the library itself binds it, in a process of its own."""
    with listen(settings.host, settings.grpc_port, "PREDICTIVE_UNIT_GRPC_SERVICE_PORT") as sock:
        host, port, *_ = sock.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def _first(
    node: Node,
    process: ModelProcess,
    sock: socket.socket,
    count: int,
    state: SharedState,
    own: socket.socket | None,
    edges: list[Edge],
) -> None:
    """Serve REST as the first process, which rules the others and the model's."""
    settings = node.settings
    stop = _stop_on_signals()
    log.info(
        "%s %s listens on %s, ports %d (REST, %d processes)%s and %d (health and metrics)",
        *(settings.service_type, node.model.folder, settings.host, settings.http_port, count),
        f", {settings.grpc_port} (gRPC)" if settings.grpc else "",
        settings.health_port,
    )
    face = _rest(node, sock, stop, state, own)
    others = (process.run(), *(edge.run(process.fail) for edge in edges))
    await _serve(node, stop, state, (face,), others, edges)


async def _grpc(node: Node, address: str, state: SharedState, control: Control) -> None:
    """Serve gRPC as a process of its own, until the first one closes its end of the control socket."""
    from server.edges.grpc import server  # grpcio's memory and threads are this process's alone

    stop = _stop_on_signals()
    face = server.serve(node, address, stop, state.budget, lambda: control.send({"event": "opened"}))
    await _serve(node, stop, state, (face,), (take_channels(node, control),), ())


async def _further(
    node: Node, sock: socket.socket, state: SharedState, own: socket.socket | None, control: Control
) -> None:
    """Serve REST as another process, until the first one closes its end of the control socket."""
    stop = _stop_on_signals()
    face = _rest(node, sock, stop, state, own)
    await _serve(node, stop, state, (face,), (take_channels(node, control),), ())


async def _large(node: Node, state: SharedState, socks: list[socket.socket], control: Control) -> None:
    """Answer large requests as another process, for as long as one that reads them is there."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # The others end first, with the answers that they wait for.
    face = large.answer(Rest(node, state).respond, socks)
    await _serve(node, asyncio.Event(), state, (face,), (take_channels(node, control),), ())


async def _rest(
    node: Node, sock: socket.socket, stop: asyncio.Event, state: SharedState, own: socket.socket | None
) -> None:
    """Serve REST until ``stop``; large requests go over ``own``, where there is another process for them."""
    respond, settings = Rest(node, state).respond, node.settings
    if own is None:
        await http_server.serve(respond, settings, sock, stop, state)
        return
    forwarder = large.Forwarder(respond, settings.large_body_bytes, state.budget)
    await asyncio.get_running_loop().create_unix_connection(lambda: forwarder, sock=own)
    try:
        await http_server.serve(forwarder.respond, settings, sock, stop, state)
    finally:
        forwarder.close()


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
