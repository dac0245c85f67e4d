"""The verb ``serve``: open the ports, fork the server's processes, supervise the model's, drain at SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from server.api import health
from server.api.node import Node
from server.api.rest import Rest
from server.container import available_cpus
from server.model.control_socket import ControlSocket
from server.model.readiness import Readiness
from server.model.supervisor import Supervisor
from server.model.worker_process import WorkerProcess
from server.serving import health_listener
from server.serving.model_process import model_supervisor, receive_connections
from server.serving.server_process import ServerProcess
from server.settings import ServeSettings
from server.shared_state import SharedState
from server.telemetry.observers import Observing, check
from server.transport import large_requests
from server.transport.http import server as http_server
from server.transport.listener import listen

# Default maximum: more processes parse faster than a model answers.
MAX_SERVER_PROCESSES = 4
# How long a process may take to exit beyond the drain seconds.
END_SECONDS = 5
# How long before the end of draining a streamed response is ended with an error event.
STREAM_SECONDS = 1

# What a forked process does, with its control socket.
Main = Callable[[ControlSocket], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)


def serve(settings: ServeSettings, environment: Path, worker: WorkerProcess) -> None:
    """Serve the model, which ``worker`` loads already, until SIGTERM or SIGINT.

    Raises:
        ModelNotLoaded: the model cannot be loaded in its environment.
        NotAModel: the folder holds no model.
        BadSetting: a port cannot be listened on, or a setting of what is told of calls cannot be followed.
        ServerProcessEnded: one of the server's processes has died.
    """
    check(settings)
    # One CPU is the model's: with two, a second process took a fifth from the throughput of small requests.
    count = settings.edge_processes or min(
        max(1, available_cpus(settings.cpu_request) - 1), MAX_SERVER_PROCESSES
    )
    apart = 0 < settings.large_body_bytes < http_server.body_bytes(settings)
    others = ["large_requests"] * apart + ["grpc"] * settings.grpc
    state = SharedState(settings, count, others)
    state.metrics.environment = environment
    node = Node(settings, state.waiting, count)
    if settings.metrics:
        node.telemetry.observers.append(state.metrics)
        node.telemetry.batch_observers.append(state.metrics)
    with (
        listen(settings.host, settings.http_port) as sock,
        listen(settings.host, settings.health_port, "PREDICTIVE_UNIT_METRICS_SERVICE_PORT") as health_sock,
    ):
        # Behind the others, which may have the same port.
        address = _grpc_address(settings) if settings.grpc else ""
        gc.freeze()  # Pages shared with the forked processes stay shared: the collector does not write to frozen objects.
        server_processes: list[ServerProcess] = []
        # Between each process that reads requests and the one that answers the large ones.
        pairs = [socket.socketpair() for _ in range(count if apart else 0)]
        forwarding, answering = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

        def fork(number: int, main: Main, unused: Iterable[socket.socket]) -> None:
            def work(control: socket.socket) -> None:
                state.become(number)
                _run(main(ControlSocket(control)))

            others = (each.sock for each in server_processes)
            server_processes.append(ServerProcess(work, (worker.sock, health_sock, *others, *unused)))

        def rest(number: int) -> tuple[socket.socket | None, list[socket.socket]]:
            """Return the end of its pair that a process for REST has, if any, and those that it does not use."""
            own = forwarding[number] if apart else None
            return own, [*answering, *(each for each in forwarding if each is not own)]

        for number in range(1, count):
            own, unused = rest(number)
            fork(number, partial(_additional, node, sock, state, own), unused)
        if apart:
            fork(count, partial(_large, node, state, answering), (sock, *forwarding))
        if settings.grpc:
            fork(count + apart, partial(_grpc, node, address, state), (sock, *forwarding, *answering))
        own, unused = rest(0)
        for each in unused:
            each.close()
        # gRPC's process is the last; the others' socket listens already.
        opened = server_processes[-1].opened.wait if settings.grpc else None
        controls = [each.control for each in server_processes]
        process = model_supervisor(node, environment, worker, controls, opened, state.metrics)
        # Its thread begins when all processes are forked.
        with health_listener.listening(health.Health(node, state), health_sock, settings.idle_seconds):
            _run(_first(node, process, sock, count, state, own, server_processes))


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
    process: Supervisor,
    sock: socket.socket,
    count: int,
    state: SharedState,
    own: socket.socket | None,
    server_processes: list[ServerProcess],
) -> None:
    """Serve REST as the first process, which supervises the others and the model's."""
    settings = node.settings
    stop = _stop_on_signals()
    log.info(
        "%s %s listens on %s, ports %d (REST, %d processes)%s and %d (health and metrics)",
        *(settings.service_type, node.model.folder, settings.host, settings.http_port, count),
        f", {settings.grpc_port} (gRPC)" if settings.grpc else "",
        settings.health_port,
    )
    interface = _rest(node, sock, stop, state, own)
    others = (process.run(), *(server_process.run(process.fail) for server_process in server_processes))
    await _serve(node, stop, state, interface, others, server_processes)


async def _grpc(node: Node, address: str, state: SharedState, control: ControlSocket) -> None:
    """Serve gRPC as a process of its own, until the first one closes its end of the control socket."""
    from server.transport.grpc import server  # grpcio's memory and threads are this process's alone

    stop = _stop_on_signals()
    interface = server.serve(node, address, stop, state.budget, lambda: control.send({"event": "opened"}))
    await _serve(node, stop, state, interface, (receive_connections(node, control),), ())


async def _additional(
    node: Node, sock: socket.socket, state: SharedState, own: socket.socket | None, control: ControlSocket
) -> None:
    """Serve REST as another process, until the first one closes its end of the control socket."""
    stop = _stop_on_signals()
    interface = _rest(node, sock, stop, state, own)
    await _serve(node, stop, state, interface, (receive_connections(node, control),), ())


async def _large(node: Node, state: SharedState, socks: list[socket.socket], control: ControlSocket) -> None:
    """Answer large requests as another process, for as long as one that reads them is there."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # The others end first, with the answers that they wait for.
    interface = large_requests.answer(Rest(node, state).respond, socks)
    await _serve(node, asyncio.Event(), state, interface, (receive_connections(node, control),), ())


async def _rest(
    node: Node, sock: socket.socket, stop: asyncio.Event, state: SharedState, own: socket.socket | None
) -> None:
    """Serve REST until ``stop``; large requests go over ``own``, where there is another process for them."""
    respond, settings = Rest(node, state).respond, node.settings
    if own is None:
        await http_server.serve(respond, settings, sock, stop, state, node.telemetry)
        return
    refused = partial(node.telemetry.refuse, "rest")
    forwarder = large_requests.Forwarder(respond, settings.large_body_bytes, state.budget, refused)
    await asyncio.get_running_loop().create_unix_connection(lambda: forwarder, sock=own)
    try:
        await http_server.serve(forwarder.respond, settings, sock, stop, state, node.telemetry)
    finally:
        forwarder.close()


async def _serve(
    node: Node,
    stop: asyncio.Event,
    state: SharedState,
    interface: Coroutine[Any, Any, None],
    others: Sequence[Coroutine[Any, Any, None]],
    server_processes: Sequence[ServerProcess],
) -> None:
    """Serve by ``interface`` beside ``others``, until ``stop`` or one of them ends; then drain."""
    observing = Observing(node.telemetry, node.settings)
    serving = asyncio.create_task(interface)
    background = [asyncio.create_task(other) for other in others]
    freezing = asyncio.create_task(freeze_when_ready(node.client.readiness))
    stopping = asyncio.create_task(stop.wait())
    running = [asyncio.create_task(state.heartbeats.beat())]
    if node.settings.metrics:
        running.append(asyncio.create_task(state.metrics.publish(observing)))
    try:
        await asyncio.wait((stopping, serving, *background), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.set()
        node.client.readiness.close()
        drain_seconds = node.settings.drain_seconds
        asyncio.get_running_loop().call_later(max(0, drain_seconds - STREAM_SECONDS), node.client.end_streams)
        seconds = drain_seconds + END_SECONDS
        ending = (server_process.end(seconds) for server_process in server_processes)
        ended: list[object] = [task.exception() for task in background if task.done()]
        ended += await asyncio.gather(freezing, serving, *ending, return_exceptions=True)
        node.client.close()
        for task in (*background, *running):
            task.cancel()
        await asyncio.gather(*background, *running, return_exceptions=True)
        state.heartbeats.leave()
        await asyncio.to_thread(observing.stop)
    for result in ended:
        if isinstance(result, Exception):
            raise result


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def freeze_when_ready(readiness: Readiness) -> None:
    """Freeze what is allocated (gc.freeze) when the server is ready for the first time, so that no collection scans it again."""
    async for ready in readiness.changes():
        if ready:
            gc.collect()
            gc.freeze()
            return
