"""An Answer to a message in the protocol buffers' form."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from server.errors import BadMetadata
from server.ipc.columnar_table import ColumnarTable, time_texts
from server.protocol.proto import list_value, tftensor
from server.protocol.proto.fields import field
from server.protocol.proto.messages import (
    DefaultData,
    Meta,
    Metric,
    SeldonMessage,
    SeldonModelMetadata,
    Tensor,
)
from server.schema.request import Answer, Request, answered

_DATA = SeldonMessage.DATA_FIELD_NUMBER
_TENSOR, _NDARRAY, _TFTENSOR = (
    DefaultData.TENSOR_FIELD_NUMBER,
    DefaultData.NDARRAY_FIELD_NUMBER,
    DefaultData.TFTENSOR_FIELD_NUMBER,
)


def encode(request: Request, answer: Answer, meta: dict[str, Any]) -> bytes:
    """Return the bytes of the SeldonMessage of an answer, of the same kind as the request's."""
    values = answer.values
    message = SeldonMessage(meta=_meta(meta))
    if isinstance(values, dict):
        message.jsonData.CopyFrom(_value(values))
    elif isinstance(values, str):
        message.strData = values
    elif isinstance(values, bytes):
        message.binData = values
    else:
        names = DefaultData(names=answer.names).SerializeToString()
        # Arrays are put into the bytes as they are: message objects would take many times as long.
        return message.SerializeToString() + field(_DATA, names + _array(request.kind, values))
    return message.SerializeToString()


def encode_metadata(metadata: dict[str, Any]) -> bytes:
    """Return the bytes of the SeldonModelMetadata that a node's metadata says.

    Raises:
        BadMetadata: metadata.yaml or MODEL_METADATA has what the message cannot hold.
    """
    try:
        return ParseDict(metadata, SeldonModelMetadata(), ignore_unknown_fields=True).SerializeToString()
    except ParseError as error:
        raise BadMetadata(
            f"the model's metadata is no seldon.protos.SeldonModelMetadata: {error}; "
            "correct metadata.yaml in the model folder, or MODEL_METADATA"
        ) from error


def _array(kind: str, values: np.ndarray | ColumnarTable | list[Any]) -> bytes:
    """Return the field of DefaultData that holds an array, a table, or rows as lists."""
    if isinstance(values, list):
        return field(_NDARRAY, list_value.encode(values))
    kind = answered(kind, values)
    if isinstance(values, ColumnarTable):
        # A tensor has one type, and a number of a list is a double in any case.
        return _array(kind, values.tolist() if kind == "ndarray" else values.doubles())
    if kind == "tensor":
        head = Tensor(shape=values.shape).SerializeToString()
        content = np.ascontiguousarray(values, dtype="<f8").tobytes()
        return field(_TENSOR, head + field(Tensor.VALUES_FIELD_NUMBER, content))
    if kind == "tftensor":
        return field(_TFTENSOR, tftensor.encode(values).SerializeToString())
    return field(_NDARRAY, list_value.encode(time_texts(values) if values.dtype.kind in "mM" else values))


def _meta(meta: dict[str, Any]) -> Meta:
    message = Meta(
        puid=meta.get("puid"),
        requestPath=meta.get("requestPath"),
        metrics=[Metric(**metric) for metric in meta.get("metrics", ())],
    )
    for key, value in meta.get("tags", {}).items():
        message.tags[key].CopyFrom(_value(value))
    return message


def _value(value: Any) -> Value:
    if isinstance(value, dict):
        struct = Struct()
        struct.update(value)
        return Value(struct_value=struct)
    holder = ListValue()
    holder.append(value)
    return holder.values[0]
