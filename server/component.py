"""The component class for the stock wrapper: ``seldon-core-microservice server.component.MLFlowServer``.

The wrapper (seldon-core 1.17.1) answers REST and gRPC from processes of its own, each with an instance of the class.
All of them call one node in a process of its own, so that the model is loaded once.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np
from seldon_core.flask_utils import SeldonMicroserviceException
from seldon_core.proto.prediction_pb2 import Feedback, SeldonMessage

from server.api.node import Node, Role
from server.component_process.client import NodeClient
from server.errors import BadData, ServerError
from server.model.worker_process import interpreter
from server.protocol.json_codec import decode, encode
from server.protocol.proto import codec
from server.schema.request import Answer, Request
from server.settings import ServeSettings
from server.settings_loader import PARAMETERS, load


class MicroserviceError(SeldonMicroserviceException):  # type: ignore[misc]  # the wrapper has no types
    """An error as the wrapper reports it: over REST its status and reason, over gRPC its text."""

    def __init__(self, error: ServerError) -> None:
        super().__init__(str(error), status_code=error.status, reason=error.reason)

    def __str__(self) -> str:
        return str(self.message)


class MLFlowServer:
    """A node behind the stock wrapper: MODEL, TRANSFORMER or OUTPUT_TRANSFORMER, as SERVICE_TYPE says.

    The wrapper's own --service-type knows no OUTPUT_TRANSFORMER; MODEL does as well, since the path decides.
    Its methods take and return whole messages (the wrapper's ``…_raw`` methods), so that a request means what it
    means to this project's own server: parsed from JSON or a SeldonMessage, and the same comes back.

    Args:
        model_uri: folder of the model.
        xtype: what the model's method gets where both make sense, "ndarray", "DataFrame", or "auto", what fits.
        predict_method: method of the model to call.
        environment: folder that ``python -m server environment`` made.

    Raises:
        BadSetting: an argument has a value that it cannot have.
        NotAModel: the folder holds no MLflow model.
        ModelNotLoaded: there is no environment.
    """

    def __init__(
        self,
        model_uri: str = "/mnt/models",
        xtype: str = "ndarray",
        predict_method: str = "",
        environment: str = "/mnt/environment",
    ) -> None:
        given = {
            "model_uri": str(Path(model_uri).absolute()),
            "xtype": xtype,
            "predict_method": predict_method,
        }
        listed = [{"name": name, "value": value, "type": "STRING"} for name, value in given.items()]
        environ = {**os.environ, PARAMETERS: json.dumps(listed)}
        settings = load(ServeSettings, environ)
        self._node = Node(settings)
        interpreter(settings, Path(environment))
        end_with_this_process()
        self._client = NodeClient(environ, Path(environment))

    def load(self) -> None:
        """Return when the model is loaded; the wrapper calls this in each of its processes.

        Raises:
            ModelNotLoaded: it cannot be. The wrapper passes over an AttributeError and goes on without a model, so
                this is what it gets in any case.
        """
        self._client.load()

    def predict_raw(self, message: Any) -> Any:
        """Answer as the node's type in the graph has it: the wrapper calls no other method from outside."""
        return self._answer(self._node.role, message)

    def transform_input_raw(self, message: Any) -> Any:
        """Answer as a TRANSFORMER."""
        return self._answer(Role.TRANSFORM_INPUT, message)

    def transform_output_raw(self, message: Any) -> Any:
        """Answer as an OUTPUT_TRANSFORMER, the parent of a model."""
        return self._answer(Role.TRANSFORM_OUTPUT, message)

    def route_raw(self, message: Any) -> NoReturn:
        """Refuse to be a ROUTER."""
        self._refuse("/route", "a ROUTER")

    def aggregate_raw(self, messages: Any) -> NoReturn:
        """Refuse to be a COMBINER."""
        self._refuse("/aggregate", "a COMBINER")

    def send_feedback_raw(self, feedback: Feedback) -> SeldonMessage:
        """Take a feedback; its answer is empty."""
        request = codec.decode_feedback(feedback.SerializeToString())
        body = codec.encode(request, Answer(np.empty(0)), self._node.meta(request.meta))
        return SeldonMessage.FromString(body)

    def health_status_raw(self) -> dict[str, Any]:
        """Answer readiness: 200 if the model can be called, else 503."""
        with _reported():
            self._client.healthy()
        return {"strData": "healthy", "meta": self._node.meta()}

    def init_metadata(self) -> dict[str, Any]:
        """Return the model's metadata for /metadata; the wrapper merges MODEL_METADATA over it."""
        return asyncio.run(self._node.metadata())

    def _answer(self, role: Role, message: Any) -> Any:
        with _reported():
            if isinstance(message, SeldonMessage):
                request = codec.decode(message.SerializeToString())
                body = codec.encode(request, *self._client.answer(role, _uncounted(request)))
                return SeldonMessage.FromString(body)
            request = decode(_as_json(message))
            return json.loads(encode(request, *self._client.answer(role, _uncounted(request))))

    def _refuse(self, path: str, kind: str) -> NoReturn:
        raise MicroserviceError(
            BadData(f"{path}: this node is a {self._node.settings.service_type}, not {kind}")
        )


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except ServerError as error:
        raise MicroserviceError(error) from error
    except UnicodeEncodeError as error:
        rule = "it must be a whole character, as UTF-8 has it"
        raise MicroserviceError(BadData(f"{error.object[error.start : error.end]!r}: {rule}")) from error


def _as_json(message: Any) -> Any:
    """Return a message as it stands in JSON: the wrapper hands over a form's file as base64 in bytes."""
    if isinstance(message, dict) and isinstance(message.get("binData"), bytes):
        return {**message, "binData": message["binData"].decode()}
    return message


def _uncounted(request: Request) -> Request:
    """Return the request without its metrics, which the wrapper would count again as this node's own."""
    return replace(request, meta={key: value for key, value in request.meta.items() if key != "metrics"})


def end_with_this_process() -> None:
    """Let SIGTERM end this process, and this process's end those that it forks by multiprocessing; they inherit it.

    Call it in the main thread, after the import of multiprocessing's util, which waits for them at exit.
    """
    signal.signal(signal.SIGTERM, _end)
    # Exit handlers run last in, first out.
    atexit.register(_end_forked, os.getpid())


def _end(number: int, frame: FrameType | None) -> None:
    _end_forked(os.getpid())
    sys.exit(0)


def _end_forked(owner: int) -> None:
    if os.getpid() == owner:
        for process in multiprocessing.active_children():
            process.terminate()
