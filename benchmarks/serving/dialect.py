"""How rows are put to a server, and found in what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from benchmarks.serving import inference
from benchmarks.serving.rows import NAMES, Array
from server.protocol.proto.messages import SeldonMessage

# A gRPC message on the wire: one byte that it is not compressed, four of its length.
PREFIX_BYTES = 5
# What the JSON before raw bytes is padded to, so that its header is the same for all sizes.
JSON_BYTES = 512
# The content type of gRPC.
GRPC = "application/grpc"


@dataclass(frozen=True)
class Dialect:
    """Where requests go, the bytes of (rows, 4) and (rows, 3) float64, and headers beside the content type."""

    path: str
    content_type: str
    body: Callable[[Array], bytes]
    values: Callable[[bytes], Array]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def grpc(self) -> bool:
        """Whether they are calls of gRPC."""
        return self.content_type == GRPC


def _json(path: str, ask: Callable[[Array], Any], find: Callable[[Any], Any]) -> Dialect:
    return Dialect(
        path,
        "application/json",
        lambda rows: orjson.dumps(ask(rows), option=orjson.OPT_SERIALIZE_NUMPY),
        lambda answer: np.array(find(orjson.loads(answer)), dtype=np.float64),
    )


def _tensor(rows: Array) -> bytes:
    message = SeldonMessage()
    message.data.names.extend(NAMES)
    message.data.tensor.shape.extend(rows.shape)
    message.data.tensor.values.extend(rows.ravel())
    return bytes(message.SerializeToString())


def _untensor(answer: bytes) -> Array:
    tensor = SeldonMessage.FromString(answer).data.tensor
    return np.array(tensor.values).reshape(tensor.shape)


def _raw(rows: Array) -> bytes:
    tensor = {
        "name": "rows",
        "shape": rows.shape,
        "datatype": "FP64",
        "parameters": {"binary_data_size": rows.nbytes},
    }
    message = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    return json.dumps(message).encode().ljust(JSON_BYTES) + rows.astype("<f8").tobytes()


def _unraw(answer: bytes) -> Array:
    message, end = json.JSONDecoder().raw_decode(answer.decode("latin-1"))
    return np.frombuffer(answer[end:], "<f8").reshape(message["outputs"][0]["shape"])


SELDON = _json(
    "/api/v1.0/predictions",
    lambda rows: {"data": {"names": NAMES, "ndarray": rows}},
    lambda answer: answer["data"]["ndarray"],
)
# https://docs.seldon.ai/mlserver: the Open Inference Protocol.
V2 = _json(
    "/v2/models/iris/infer",
    lambda rows: {
        "inputs": [{"name": "rows", "shape": rows.shape, "datatype": "FP64", "data": rows.ravel()}]
    },
    lambda answer: np.reshape(answer["outputs"][0]["data"], answer["outputs"][0]["shape"]),
)
V2_RAW = Dialect(
    V2.path, "application/octet-stream", _raw, _unraw, {"inference-header-content-length": str(JSON_BYTES)}
)
MLFLOW = _json(
    "/invocations",
    lambda rows: {"dataframe_split": {"columns": NAMES, "data": rows}},
    lambda answer: answer["predictions"],
)
SELDON_GRPC = Dialect("/seldon.protos.Model/Predict", GRPC, _tensor, _untensor)
V2_GRPC = Dialect(inference.PATH, GRPC, lambda rows: inference.request("iris", rows), inference.values)


def framed(message: bytes) -> bytes:
    """Return a gRPC message as it lies on the wire."""
    return b"\0" + len(message).to_bytes(PREFIX_BYTES - 1, "big") + message
