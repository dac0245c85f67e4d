"""The labels of metrics: closed sets of values, of methods, codes of answers, and reasons why a process of the model ended.

What a client sends never becomes a label: a path or method that there is not is ``OTHER``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Protocol

from server.errors import NotReady, ServerError

# Of the names of this server's metrics.
PREFIX = "seldon_mlflow_server"
OTHER = "other"

# The routes of server.api.rest and the gRPC methods of server.api.grpc_services, which their tests compare with these.
_GRPC = {
    "Generic": ("TransformInput", "TransformOutput", "Route", "Aggregate", "SendFeedback"),
    "Model": ("Predict", "SendFeedback", "Metadata"),
    "Router": ("Route", "SendFeedback"),
    "Transformer": ("TransformInput",),
    "OutputTransformer": ("TransformOutput",),
    "Combiner": ("Aggregate",),
    "Seldon": ("Predict", "SendFeedback", "ModelMetadata", "GraphMetadata"),
}
_V2 = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
METHODS = {
    "rest": (
        *("/health/ping", "/health/status", "/api/v1.0/health/status", "/metrics", "/prometheus"),
        *("/predict", "/predict_stream", "/transform-input", "/transform-output", "/route", "/aggregate"),
        *("/send-feedback", "/api/v1.0/predictions", "/api/v0.1/predictions", "/api/v1.0/feedback"),
        *("/api/v0.1/feedback", "/metadata", "/api/v1.0/metadata", "/seldon.json", "/api/v1.0/doc"),
        *("/api/v1.0/doc/", "/v2", "/v2/", "/v2/health/live", "/v2/health/ready"),
        # The patterns of v2: a model's name and version are the client's words.
        *(
            f"/v2/models/{{name}}{version}{rest}"
            for version in ("", "/versions/{version}")
            for rest in ("", "/ready", "/infer")
        ),
        *("/invocations", "/ping", "/health", "/version"),
    ),
    "grpc": (
        *(f"/seldon.protos.{service}/{name}" for service, names in _GRPC.items() for name in names),
        *(f"/inference.GRPCInferenceService/{name}" for name in _V2),
    ),
}


def _errors(kind: type[ServerError] = ServerError) -> Iterator[type[ServerError]]:
    """Yield a class of errors and those below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from _errors(below)


CODES = {
    # Beside the errors': answered, moved, and a client that has left.
    "rest": tuple(sorted({"200", "308", "499", *(str(kind.status) for kind in _errors())})),
    "grpc": tuple(sorted({"OK", "CANCELLED", *(kind.grpc for kind in _errors())})),
}


def _snake(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("_")


# Why a call is refused, by its error: what its client or the moment is at fault for. A model that fails is no refusal.
REASONS = {
    kind: _snake(kind.__name__) for kind in _errors() if kind.status < 500 or issubclass(kind, NotReady)
}


class EndReason(StrEnum):
    """Why a process of the model is started again.

    It has ended by itself, by a signal that was not the server's, has not loaded the model, or not in time, has not answered,
    has broken the rules of its connection, or could not be started.
    """

    EXITED = "exited"
    SIGNAL = "signal"
    LOAD_FAILED = "load_failed"
    LOAD_TIMEOUT = "load_timeout"
    HUNG = "hung"
    PROTOCOL = "protocol"
    NOT_STARTED = "not_started"


class ProcessObserver(Protocol):
    """What is told of the model's processes; it neither raises nor blocks."""

    def restarted(self, reason: str) -> None:
        """Take note of a process that has ended for a reason of EndReason, and is started again."""

    def loaded(self, seconds: float) -> None:
        """Take note that the model is loaded, and how long that took."""

    def running(self, pids: Collection[int]) -> None:
        """Take note of the processes that there are now."""
