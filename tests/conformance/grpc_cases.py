"""Calls over gRPC, picked by hand: each with the row of docs/conformance.md that tells of its answers, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from grpc_health.v1.health_pb2 import HealthCheckRequest

from server.protocol.proto.messages import Feedback, SeldonMessage
from server.protocol.proto.prediction_pb2 import SeldonMessageList, SeldonModelMetadataRequest
from tests.conformance.models import CLASSES, FEATURES, ROWS

FLAT = [value for row in ROWS for value in row]
TURNED = [row[::-1] for row in ROWS]


@dataclass(frozen=True)
class Call:
    """A call, and the id of the row of the table that allows its answers to differ."""

    id: str
    model: str
    body: bytes
    method: str = "seldon.protos.Model/Predict"
    row: str | None = None
    like: Call | None = None


def call(
    name: str,
    model: str,
    message: Message | dict[str, Any] | bytes,
    row: str | None = None,
    method: str = "Model/Predict",
    like: Any = None,
) -> Call:
    """Return a call with a message, given as it stands in JSON or as bytes."""
    if isinstance(message, dict):
        message = ParseDict(message, SeldonMessage())
    body = message if isinstance(message, bytes) else message.SerializeToString()
    other = None if like is None else call(f"like {name}", model, like, method=method)
    return Call(name, model, body, f"seldon.protos.{method}", row, other)


def table(rows: Any, names: Sequence[str] = FEATURES, **more: Any) -> dict[str, Any]:
    """Return a message with an ndarray."""
    return {"data": {"names": names, "ndarray": rows}, **more}


def tensor(shape: list[int], values: list[float], names: Sequence[str] = FEATURES) -> dict[str, Any]:
    """Return a message with a tensor."""
    return {"data": {"names": names, "tensor": {"shape": shape, "values": values}}}


METHODS = [
    *(
        call(f"svm {method}", "svm", table(ROWS), method=method)
        for method in ("Model/Predict", "Seldon/Predict")
    ),
    *(
        call(f"scaler {method}", "scaler", table(ROWS), method=method)
        for method in (
            "Generic/TransformInput",
            "Generic/TransformOutput",
            "Transformer/TransformInput",
            "OutputTransformer/TransformOutput",
            "Model/Predict",
            "Seldon/Predict",
        )
    ),
    *(
        call(f"feedback {method}", "svm", Feedback(reward=1), method=method)
        for method in (
            "Generic/SendFeedback",
            "Model/SendFeedback",
            "Router/SendFeedback",
            "Seldon/SendFeedback",
        )
    ),
    call("metadata", "svm", Empty(), "metadata", "Model/Metadata"),
    call("model metadata", "svm", SeldonModelMetadataRequest(name="svm"), "metadata", "Seldon/ModelMetadata"),
    call("graph metadata", "svm", Empty(), "graph-metadata", "Seldon/GraphMetadata"),
    call("route", "svm", table(ROWS), "grpc-not-this-node", "Router/Route"),
    call("generic route", "svm", table(ROWS), "grpc-not-this-node", "Generic/Route"),
    call("aggregate", "svm", SeldonMessageList(), "grpc-not-this-node", "Combiner/Aggregate"),
    call("generic aggregate", "svm", SeldonMessageList(), "grpc-not-this-node", "Generic/Aggregate"),
    Call(
        "health",
        "svm",
        HealthCheckRequest().SerializeToString(),
        "grpc.health.v1.Health/Check",
        "grpc-services",
    ),
    Call("no such method", "svm", b"", "seldon.protos.Model/Nothing"),
]

TABLES = [
    call("ndarray", "svm", table(ROWS)),
    call("tensor", "svm", tensor([2, 4], FLAT)),
    call("one row", "scaler", table(ROWS[:1], [])),
    call("whole numbers", "svm", table([[6, 3, 4, 1]])),
    call("null", "scaler", table([[1, 2, 3, None]], [])),
    call("names in another order", "svm", table(ROWS, FEATURES[::-1]), "names-order", like=table(TURNED)),
    call("names in another order for an array", "scaler", table(ROWS, FEATURES[::-1]), "names-order", like=table(TURNED)),
    call("MLflow's form", "svm", {"jsonData": {"dataframe_split": {"columns": FEATURES, "data": ROWS}}}, "mlflow",
         like=tensor([2, 4], FLAT)),
    call("no names for a frame", "svm", table(ROWS, []), "grpc-signature"),
    call("too few columns", "scaler", table([[1, 2, 3]], []), "grpc-signature"),
    call("unknown names", "scaler", table(ROWS, ["a", "b", "c", "d"]), "grpc-signature"),
    call("a number as a string", "svm", table([[1, 2, 3, "4"]]), "grpc-signature"),
    call("a boolean", "svm", table([[1, 2, 3, True]]), "grpc-signature"),
    call("text for columns", "svm", {"strData": "text"}, "grpc-signature"),
    call("ragged", "svm", table([[1, 2, 3, 4], [1, 2]]), "grpc-refused"),
    call("no rows", "svm", table([]), "grpc-refused"),
    call("one row without brackets", "svm", table([1, 2, 3, 4]), "grpc-refused"),
    call("empty data", "svm", {"data": {}}, "grpc-refused"),
    call("nothing", "svm", b"", "grpc-refused"),
    call("no message", "svm", b"\xff", "grpc-bytes"),
    call("tensor of another shape", "svm", tensor([3, 4], FLAT), "grpc-refused"),
    call("customData", "svm", {"customData": {"@type": "type.googleapis.com/google.protobuf.Empty"}},
         "grpc-refused"),
    call("a gap that the model refuses", "svm", table([[1, 2, 3, None]]), "grpc-refused"),
]  # fmt: skip

ECHOES = [
    call(f"echo of {name}", "echo", message)
    for name, message in {
        "numbers": {"data": {"ndarray": [[1, 2], [3, 4]]}},
        "doubles": {"data": {"ndarray": [[1.5, 2], [3, 4]]}},
        "booleans": {"data": {"ndarray": [[True, False]]}},
        "strings": {"data": {"ndarray": [["a", "b"], ["c", ""]]}},
        "nulls": {"data": {"ndarray": [[1, None], [2.5, 3]]}},
        "one row": {"data": {"ndarray": [1, 2, 3]}},
        "one row of strings": {"data": {"ndarray": ["a", "b"]}},
        "three dimensions": {"data": {"ndarray": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}},
        "a tensor": {"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4.5]}}},
        "a tensor of three dimensions": {"data": {"tensor": {"shape": [2, 1, 2], "values": [1, 2, 3, 4.5]}}},
        "what is no number": {
            "data": {"tensor": {"shape": [1, 3], "values": ["NaN", "Infinity", "-Infinity"]}}
        },
        "text": {"strData": "text"},
        "empty text": {"strData": ""},
        "bytes": {"binData": "AP8="},
        "no bytes": {"binData": ""},
        "an object": {"jsonData": {"a": [1, 2.5, None, True, "b", {"c": []}]}},
        "an empty object": {"jsonData": {}},
        "a list of numbers": {"jsonData": [1, 2, 3]},
        "names": {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}},
    }.items()
] + [call("echo of mixed cells", "echo", {"data": {"ndarray": [[1, "a"], [2.5, "b"]]}}, "mixed-rows")]

KINDS = {
    "bool": None, "bytes": None, "data-frame": "model-result", "dict": None, "empty": None, "empty-list": None,
    "float32": None, "infinite": None, "int8": None, "labels": None, "limits": None, "list": None,
    "list-mixed": None, "list-of-lists": None, "none": "grpc-model-error", "objects": None, "one-dimensional": None,
    "raises": "grpc-model-error", "scalar": "model-result", "series": "model-result", "strings": None,
    "three-dimensional": None, "tuple": "model-result", "type-error": "grpc-model-error", "uint64": None,
    "datetime": "dates", "booleans-and-numbers": "types",
}  # fmt: skip
RESULTS = [call(f"result {kind}", "echo", {"strData": kind}, row) for kind, row in KINDS.items()]

METAS = [
    call(f"meta {name}", "svm", table(ROWS, meta=meta), row)
    for name, meta, row in [
        ("puid", {"puid": "abc"}, None),
        ("empty", {}, None),
        ("tags", {"tags": {"a": 1, "b": [1.5, None], "c": {"d": True}}}, None),
        ("routing", {"routing": {"a": 1}}, None),
        ("requestPath", {"requestPath": {"before": "image", "model": "other"}}, None),
        (
            "metrics",
            {"metrics": [{"key": "a", "type": "TIMER", "value": 1.5, "tags": {"b": "c"}}]},
            "metrics",
        ),
        ("metrics of nothing", {"metrics": [{"key": "a"}]}, "metrics"),
    ]
]

FEEDBACK = [
    call(f"feedback {name}", "svm", ParseDict(message, Feedback()), row, "Model/SendFeedback")
    for name, message, row in [
        ("of an ndarray", {"request": table(ROWS), "reward": 1}, None),
        ("of a tensor", {"request": tensor([1, 4], [1, 2, 3, 4]), "reward": 0.5}, None),
        ("of text", {"request": {"strData": "a"}}, None),
        ("of nothing", {}, None),
        ("with a response", {"request": table(ROWS), "response": table([[1, 2, 3]], CLASSES)}, None),
        ("with meta", {"request": table(ROWS, meta={"puid": "p", "tags": {"a": 1}})}, None),
        ("of a ragged ndarray", {"request": table([[1, 2], [3]])}, "feedback"),
    ]
]

CALLS = [*METHODS, *TABLES, *ECHOES, *RESULTS, *METAS, *FEEDBACK]
