"""A graph node: what a request means. REST, gRPC and the component class call this one core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import StrEnum
from typing import Any

import numpy as np

from server.api.metadata import metadata
from server.api.openapi import openapi
from server.container import available_cpus
from server.errors import NoSuchPath, NotReady
from server.ipc.columnar_table import ColumnarTable
from server.mlmodel import Model
from server.mlmodel.load_plan import STREAM, input_type, streams
from server.model.batcher import Result
from server.model.client import ModelClient
from server.model.handshake import busy_poll_seconds, read
from server.protocol.input_example import example
from server.schema.arguments import arguments, parameters
from server.schema.json_data import FORMS, tabled
from server.schema.request import Answer, Request
from server.schema.single_input import is_single, single
from server.settings import ServeSettings
from server.shared_state import SharedCounter
from server.telemetry.call_record import Telemetry


class Role(StrEnum):
    """The role in which a call addresses the node."""

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
        waiting: the queued calls of the model, counted over all processes that serve the node.
        server_processes: how many of them are busy with REST; gRPC's is not counted, since most nodes are called by one of both.

    Raises:
        NotAModel: the folder in the settings holds no MLflow model.
    """

    def __init__(
        self, settings: ServeSettings, waiting: SharedCounter | None = None, server_processes: int = 1
    ) -> None:
        self.settings = settings
        self.model = read(settings)
        self.input_type = input_type(self.model, settings.xtype)
        self.role = ROLES[settings.service_type]
        stated = self.model.outputs.names if self.model.outputs else None
        self._outputs = None if stated is None else [str(name) for name in stated]
        self._streams = streams(self.model)
        self.telemetry = Telemetry()
        self._metadata: asyncio.Task[dict[str, Any]] | None = None
        self.client = ModelClient(
            settings.batch_rows,
            settings.queue_calls,
            settings.deadline_seconds,
            waiting or SharedCounter(),
            busy_poll_seconds(settings, server_processes, available_cpus(settings.cpu_request)),
            grace=settings.grace_seconds,
            largest=settings.max_answer_bytes + HEADER_BYTES,
            server_processes=server_processes,
            telemetry=self.telemetry,
            puids=settings.access_log != "off",
        )

    @property
    def takes_tables(self) -> bool:
        """Whether an object in one of MLflow's forms is a table in any case, and never an input of its own."""
        inputs = self.model.inputs
        columns = set(inputs.names or ()) if inputs is not None else set()
        return not (self.model.chats or self._streams or self.input_type.nested or columns & FORMS.keys())

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
            request = tabled(request, self.model.inputs, nested=self.input_type.nested)
            call = arguments(request, self.model.inputs, self.input_type)
            params = parameters(request.params, self.model.params, request.params_field)
            header, values = {**call.header, "params": params} if params else call.header, call.values
        result = await self.client.call(role, header, values)
        meta = self.meta(request.meta)
        if result.tags:
            meta["tags"] = {**meta.get("tags", {}), **result.tags}
        if result.metrics:
            self.telemetry.model_metrics(result.metrics, role)
            if self.settings.metrics_in_response:
                meta["metrics"] = [*meta.get("metrics", ()), *result.metrics]
        return Answer(result.value, output_names(result, self._outputs), own=result.names is not None), meta

    async def stream(self, request: Request) -> AsyncGenerator[Any, None]:
        """Call the model's predict_stream once, and yield the parts of its answer (server.model.client).

        Raises:
            NoSuchPath: the model has none.
            BadData, NotReady, ModelFailed: as ``answer``, at any part.
        """
        if not self._streams:
            raise NoSuchPath(
                "the model does not answer in parts: it was not logged by mlflow.pyfunc with predict_stream "
                "(streamable in MLmodel); call /predict"
            )
        async with aclosing(self.client.stream(STREAM, *_single(request, self.model))) as parts:
            async for part in parts:
                yield part

    def check_ready(self) -> None:
        """Return where the model can be called.

        Raises:
            NotReady: it cannot, with the reason where it could before.
        """
        if not self.client.ready:
            why = self.client.why
            raise NotReady(f"the model is not loaded: {why}" if why else "the model is not loaded")

    def health(self) -> str:
        """Return "healthy", and how many of the model's processes can be called where some cannot.

        Raises:
            NotReady: none can.
        """
        self.check_ready()
        running, wanted = self.client.processes, self.settings.model_processes
        return (
            "healthy" if running >= wanted else f"healthy: {running} of {wanted} processes of the model run"
        )

    async def metadata(self) -> dict[str, Any]:
        """Return what /metadata says of the model (server.api.metadata).

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
        return openapi(said["name"], version, inputs, outputs, self.input_type, example(self.model), **more)

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


def output_names(result: Result, stated: list[str] | None) -> list[str]:
    """Return the names of an answer's columns.

    They are those that the answer brings itself, as a DataFrame does, in its order; else those of the output signature,
    ``stated``; else what the fitted model calls the columns of this method's answers (server.worker.output_names); else
    t:0, t:1 … as the stock wrapper has it, and none for a row of values. The numbers by which a DataFrame counts columns
    that nobody named come after what others call them.
    """
    shape = _shape(result.value)
    if shape is None:
        return []
    width = shape[1] if len(shape) > 1 else 1
    own = result.names
    if own is not None and own != [str(index) for index in range(len(own))]:
        return own
    for found in (stated, result.known, own):
        if found is not None and len(found) == width:
            return found
    return [] if len(shape) == 1 else [f"t:{index}" for index in range(width)]


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a table, of which the first two axes count, or None for another value."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if isinstance(value, ColumnarTable):
        return len(value), value.width
    if isinstance(value, list):
        return (len(value), len(value[0])) if value and isinstance(value[0], list) else (len(value),)
    return None
