"""The gRPC messages of the Open Inference Protocol.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from server.errors import BadData
from server.protocol.proto.messages import field
from server.protocol.v2.inference import Inference, Output
from server.protocol.v2.inference_pb2 import (
    InferParameter,
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
)
from server.protocol.v2.tensor import BYTES, Tensor, dtype, element, from_bytes, shape, to_bytes

# The field of the contents for each datatype; FP16 has none, and comes as raw bytes alone.
_CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
_NUMBERS = {each.name: each.number for each in InferTensorContents.DESCRIPTOR.fields}
# Of fixed size in the message, so that their bytes are those of an array.
_PACKED = (np.dtype(np.float32), np.dtype(np.float64))


def decode(body: bytes) -> tuple[Inference, str, str]:
    """Return the inference request that a message holds, the model's name and its version.

    Where the request has raw contents, so has its response.

    Raises:
        BadData: it is none.
    """
    try:
        message = ModelInferRequest.FromString(body)
    except DecodeError as error:
        raise BadData(f"the message is no ModelInferRequest: {error}") from error
    raw = message.raw_input_contents
    if not message.inputs:
        raise BadData("inputs is empty: send a tensor at least")
    if raw and len(raw) != len(message.inputs):
        raise BadData(
            f"raw_input_contents has {len(raw)} entries: it must have one for each of the {len(message.inputs)} inputs"
        )
    inputs = [_input(entry, raw[index] if raw else None) for index, entry in enumerate(message.inputs)]
    outputs = [Output(entry.name) for entry in message.outputs]
    inference = Inference(message.id, inputs, _parameters(message.parameters), outputs, bool(raw))
    return inference, message.model_name, message.model_version


def _input(entry: ModelInferRequest.InferInputTensor, raw: bytes | None) -> Tensor:
    name, lengths, parameters = entry.name, list(entry.shape), _parameters(entry.parameters)
    if raw is not None:
        if entry.HasField("contents"):
            raise BadData(f"input {name!r} has contents beside raw_input_contents: it must have one of them")
        return Tensor(name, from_bytes(name, entry.datatype, lengths, raw), parameters)
    kind, wanted = dtype(name, entry.datatype), shape(name, lengths)
    field = _CONTENTS.get(entry.datatype)
    if field is None:
        raise BadData(
            f"input {name!r} is {entry.datatype}, which has no contents: send it in raw_input_contents"
        )
    others = [each.name for each, _ in entry.contents.ListFields() if each.name != field]
    if others:
        raise BadData(f"input {name!r} has {', '.join(others)}: {entry.datatype} must be in {field}")
    given = getattr(entry.contents, field)
    if kind.kind == "O":
        values = np.empty(len(given), dtype=object)
        values[:] = given
    else:
        wide = np.array(given, dtype=np.int64 if kind.kind in "iu" and kind.itemsize < 8 else kind)
        values = wide.astype(kind, copy=False)
        if kind.kind in "iu" and bool((values != wide).any()):
            limits = np.iinfo(kind)
            raise BadData(
                f"input {name!r} has {wide[values != wide][0]}, which is no {entry.datatype}: it must be from {limits.min} to {limits.max}"
            )
    if len(values) != math.prod(wanted):
        raise BadData(
            f"input {name!r} has {len(values)} elements: its shape {lengths} is one of {math.prod(wanted)}"
        )
    return Tensor(name, values.reshape(wanted), parameters)


def _parameters(given: Mapping[str, InferParameter]) -> dict[str, Any]:
    found = {}
    for name, value in given.items():
        choice = value.WhichOneof("parameter_choice")
        found[name] = None if choice is None else getattr(value, choice)
    return found


def _fill(contents: InferTensorContents, tensor: Tensor) -> None:
    """Put a tensor's values into the field of its datatype."""
    name = _CONTENTS[tensor.datatype]
    if tensor.values.dtype in _PACKED:
        # As they lie in memory: a repeated field takes numbers one by one.
        contents.MergeFromString(field(_NUMBERS[name], to_bytes(tensor.values)))
        return
    flat: list[Any] = tensor.values.ravel().tolist()
    getattr(contents, name).extend(map(element, flat) if tensor.datatype == BYTES else flat)


def encode(inference: Inference, outputs: list[tuple[Tensor, bool]], model: str, version: str) -> bytes:
    """Return the message of a response, with its values as the request's came: as contents, or as raw bytes."""
    message = ModelInferResponse(model_name=model, model_version=version, id=inference.id)
    raw = any(binary or tensor.datatype == "FP16" for tensor, binary in outputs)
    for tensor, _ in outputs:
        entry = message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.values.shape)
        for name, value in tensor.parameters.items():
            entry.parameters[name].string_param = value
        if raw:
            message.raw_output_contents.append(to_bytes(tensor.values))
            continue
        _fill(entry.contents, tensor)
    return message.SerializeToString()
