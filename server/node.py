"""A graph node: what a request to it means. The one core behind every face (REST, gRPC, component class)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Any

from server.cpus import granted
from server.errors import NoSuchPath
from server.example import example
from server.metadata import metadata
from server.mlmodel import Model
from server.model.channels import Channels
from server.model.control import Control
from server.model.environ import model_environ
from server.model.hello import example_call, hello, read, setup
from server.model.launch import Launched, interpreter
from server.model.names import names
from server.model.plan import STREAM, streams
from server.model.process import ModelProcess
from server.model.spinning import spin_seconds
from server.protocol.arguments import arguments
from server.protocol.form import form
from server.protocol.json_data import tabled
from server.protocol.message import Answer, Request
from server.protocol.openapi import openapi
from server.protocol.parameters import parameters
from server.protocol.single import is_single, single
from server.settings import ServeSettings
from server.shared_counter import SharedCounter


class Role(StrEnum):
    """What a call asks of the node."""

    PREDICT = "predict"
    TRANSFORM_INPUT = "transform_input"
    TRANSFORM_OUTPUT = "transform_output"


# What an answer's header may have beside its values, such as the names of its columns.
HEADER_BYTES = 1 << 20
# What /api/v1.0/predictions and Seldon/Predict stand for, by the node's type in the graph.
ROLES = {
    "MODEL": Role.PREDICT,
    "TRANSFORMER": Role.TRANSFORM_INPUT,
    "OUTPUT_TRANSFORMER": Role.TRANSFORM_OUTPUT,
}


class Node:
    """The model, its signature and its place in the graph.

    Args:
        settings: how the node was configured.
        waiting: counts the calls that wait for the model in every process that serves the node.
        edges: how many of them are busy with REST; gRPC's is not counted, since most nodes are called by one of both.

    Raises:
        NotAModel: the folder in the settings holds no MLflow model.
    """

    def __init__(self, settings: ServeSettings, waiting: SharedCounter | None = None, edges: int = 1) -> None:
        self.settings = settings
        self.model = read(settings)
        self.form = form(self.model, settings.xtype)
        self.role = ROLES[settings.service_type]
        stated = self.model.outputs.names if self.model.outputs else None
        self._outputs = None if stated is None else [str(name) for name in stated]
        self._streams = streams(self.model)
        self._metadata: asyncio.Task[dict[str, Any]] | None = None
        self.channels = Channels(
            settings.batch_rows,
            settings.queue_calls,
            settings.deadline_seconds,
            waiting or SharedCounter(),
            spin_seconds(settings, edges, granted(settings.cpu_request)),
            grace=settings.grace_seconds,
            largest=settings.max_answer_bytes + HEADER_BYTES,
            edges=edges,
        )

    async def answer(self, role: Role, request: Request) -> tuple[Answer, dict[str, Any]]:
        """Call the model once and return its answer and the answer's meta.

        Raises:
            BadData: the request does not fit the model's signature.
            NotReady: the model is not loaded, or its process died during the call.
            ModelFailed: the model raised.
        """
        if self.model.chats or (self._streams and is_single(request)):
            header, values = _single(request, self.model)
        else:
            request = tabled(request, self.model.inputs, nested=self.form.nested)
            call = arguments(request, self.model.inputs, self.form)
            params = parameters(request.params, self.model.params)
            header, values = {**call.header, "params": params} if params else call.header, call.values
        result = await self.channels.call(role, header, values)
        return Answer(result.value, names(result, self._outputs)), self.meta(request.meta)

    async def stream(self, request: Request) -> AsyncGenerator[Any, None]:
        """Call the model's predict_stream once, and yield the parts of its answer (server.model.channels).

        Raises:
            NoSuchPath: the model has none.
            BadData, NotReady, ModelFailed: as ``answer``, at any part.
        """
        if not self._streams:
            raise NoSuchPath(
                "the model does not answer in parts: it was not logged by mlflow.pyfunc with predict_stream "
                "(streamable in MLmodel); call /predict"
            )
        async with aclosing(self.channels.stream(STREAM, *_single(request, self.model))) as parts:
            async for part in parts:
                yield part

    async def metadata(self) -> dict[str, Any]:
        """Return what /metadata says of the model (server.metadata).

        Reading all of the model for its digest takes long: it is done once, for all who ask, also where the first of them
        does not wait for it.
        """
        before = self._metadata
        if before is None or (before.done() and (before.cancelled() or before.exception() is not None)):
            override = self.settings.model_metadata
            found = asyncio.to_thread(metadata, self.model, self.settings.node, override)
            before = self._metadata = asyncio.create_task(found)
        return await asyncio.shield(before)

    async def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of this node and its model."""
        said = await self.metadata()
        version = ", ".join(said["versions"])
        inputs, outputs = self.model.inputs, self.model.outputs
        more = {"chats": self.model.chats, "streams": self._streams}
        return openapi(said["name"], version, inputs, outputs, self.form, example(self.model), **more)

    def meta(self, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return an answer's meta: what the request's said, and this node in the requestPath."""
        given = given or {}
        meta = {key: given[key] for key in ("puid", "tags", "metrics") if given.get(key)}
        path = given.get("requestPath") or {}
        if self.settings.node:
            path = {self.settings.node: self.settings.image, **path}
        return {**meta, "requestPath": path} if path else meta


def _single(request: Request, model: Model) -> tuple[dict[str, Any], list[Any]]:
    """Return a call's header and values, with parameters even where none is given: MLflow's server does so."""
    call, params = single(request, model)
    return {**call.header, "params": params}, call.values


def model_process(
    node: Node,
    environment: Path,
    launched: Launched | None = None,
    edges: Sequence[Control] = (),
    opened: Callable[[], Awaitable[object]] | None = None,
) -> ModelProcess:
    """Return the process of a node's model, which gives the node its channels while it runs.

    Args:
        node: the node.
        environment: the folder that the verb ``environment`` made.
        launched: the process, where it was started already and told ``hello``.
        edges: sockets to other processes that serve the node, which get channels of their own.
        opened: returns when all of them can be called; the node is not ready before.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
        ModelNotLoaded: there is no environment.
    """
    settings, model = node.settings, node.model

    async def deliver(sockets: list[socket.socket], pid: int, ready: dict[str, Any]) -> None:
        if opened is not None:
            await opened()
        mine, *others = sockets
        said = {"methods": ready["methods"], "batched": ready["batched"], "pid": pid}
        for edge, sock in zip(edges, others, strict=True):
            with sock:
                edge.send({"event": "channel", **said}, [sock])
        await node.channels.add(mine, **said)

    def announce(why: str) -> None:
        node.channels.why = why
        for edge in edges:
            edge.send({"event": "gone", "why": why})

    python = interpreter(settings, environment)
    environ = launched.environ if launched else model_environ(settings)
    call = example_call(settings, model)
    told = setup(settings, 1 + len(edges), call)
    process = ModelProcess(
        python,
        environ,
        hello(settings, model),
        told,
        call,
        deliver,
        announce,
        settings.load_seconds,
        launched,
    )
    node.channels.report = process.fail
    return process


async def take_channels(node: Node, control: Control) -> None:
    """Give a node the channels that another process of the server hands over, until that ends.

    That one is told of the processes of the model that must be killed.
    """
    node.channels.report = lambda pid, why: control.send({"event": "failed", "pid": pid, "why": why})
    try:
        while True:
            said, sockets = await control.receive()
            if said["event"] == "gone":
                node.channels.why = said["why"]
            else:
                (sock,) = sockets
                await node.channels.add(sock, said["methods"], said["batched"], said["pid"])
    except EOFError:
        return
