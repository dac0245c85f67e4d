"""The model's process as the server's processes use it: started with its example call, its connections handed to each."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from server.api.node import Node
from server.errors import BadData
from server.mlmodel import Model
from server.model.control_socket import ControlSocket
from server.model.environ import model_environ
from server.model.handshake import Example, handshake, setup
from server.model.supervisor import Supervisor
from server.model.worker_process import WorkerProcess, interpreter
from server.settings import ServeSettings
from server.telemetry.labels import ProcessObserver

log = logging.getLogger(__name__)


def example_call(settings: ServeSettings, model: Model) -> Example | None:
    """Return a call made of a few rows of the model's input example, where calls of that kind can be batched."""
    # The process loads the model while this is imported.
    from server.mlmodel.load_plan import input_type
    from server.model.batcher import rows
    from server.protocol.input_example import example
    from server.protocol.json_codec import decode
    from server.schema.arguments import arguments, parameters
    from server.schema.json_data import tabled
    from server.worker.batch_check import SINGLES

    if settings.batching == "off" or model.chats:
        return None
    message = example(model)
    if message is None:
        return None
    try:
        chosen = input_type(model, settings.xtype)
        request = tabled(decode(message), model.inputs, nested=chosen.nested)
        call = arguments(request, model.inputs, chosen)
        params = parameters(request.params, model.params)
    except BadData as error:
        log.warning("the input example is passed over: it is no call of the model: %s", error)
        return None
    if not rows(call.header, call.values):
        return None
    header = {**call.header, "params": params} if params else call.header
    return header, [value[:SINGLES] for value in call.values]


def model_supervisor(
    node: Node,
    environment: Path,
    worker: WorkerProcess | None = None,
    server_processes: Sequence[ControlSocket] = (),
    opened: Callable[[], Awaitable[object]] | None = None,
    observer: ProcessObserver | None = None,
) -> Supervisor:
    """Return the supervisor of a node's model process, which hands the node its connections.

    Args:
        node: the node.
        environment: the folder that the verb ``environment`` made.
        worker: the process, if it was started already and has the handshake.
        server_processes: control sockets of other processes that serve the node, which get connections of their own.
        opened: returns when all of them can be called; the node is not ready before.
        observer: is told of the model's processes.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
        ModelNotLoaded: there is no environment.
    """
    settings, model = node.settings, node.model

    async def deliver(sockets: list[socket.socket], pid: int, ready: dict[str, Any]) -> None:
        if observer is not None and type(ready["seconds"]) in (int, float):
            observer.loaded(ready["seconds"])
        if opened is not None:
            await opened()
        mine, *others = sockets
        details = {"methods": ready["methods"], "batched": ready["batched"], "pid": pid}
        for server_process, sock in zip(server_processes, others, strict=True):
            with sock:
                server_process.send({"event": "connection", **details}, [sock])
        await node.client.add(mine, **details)

    def announce(why: str) -> None:
        node.client.why = why
        for server_process in server_processes:
            server_process.send({"event": "unavailable", "why": why})

    def left(pid: int) -> None:
        node.client.end(pid)
        for server_process in server_processes:
            server_process.send({"event": "ended", "pid": pid})

    python = interpreter(settings, environment)
    environ = worker.environ if worker else model_environ(settings)
    call = example_call(settings, model)
    setup_frame = setup(settings, 1 + len(server_processes), call)
    process = Supervisor(
        python,
        environ,
        handshake(settings, model),
        setup_frame,
        call,
        deliver,
        announce,
        settings.load_seconds,
        settings.model_processes,
        worker,
        observer,
        left,
    )
    node.client.report = process.fail
    return process


async def receive_connections(node: Node, control: ControlSocket) -> None:
    """Give a node the connections that the first process hands over, until that ends.

    A model process that fails is reported to it.
    """
    node.client.report = lambda pid, why, reason: control.send(
        {"event": "failed", "pid": pid, "why": why, "reason": reason}
    )
    try:
        while True:
            frame, sockets = await control.receive()
            if frame["event"] == "unavailable":
                node.client.why = frame["why"]
            elif frame["event"] == "ended":
                node.client.end(frame["pid"])
            else:
                (sock,) = sockets
                await node.client.add(sock, frame["methods"], frame["batched"], frame["pid"])
    except EOFError:
        return
