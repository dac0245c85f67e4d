"""Seldon messages as protocol buffers: a message to a Request, an Answer to a message."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from server.errors import BadData, BadMetadata
from server.ipc.columnar_table import ColumnarTable, time_texts
from server.protocol.proto import list_value, tftensor
from server.protocol.proto.messages import (
    DefaultData,
    Feedback,
    Meta,
    Metric,
    SeldonMessage,
    SeldonModelMetadata,
    Tensor,
    field,
)
from server.schema.json_arrays import check_columns, rows, shaped
from server.schema.request import Answer, Request, answered

_DATA = SeldonMessage.DATA_FIELD_NUMBER
_TENSOR, _NDARRAY, _TFTENSOR = (
    DefaultData.TENSOR_FIELD_NUMBER,
    DefaultData.NDARRAY_FIELD_NUMBER,
    DefaultData.TFTENSOR_FIELD_NUMBER,
)


def decode(body: bytes) -> Request:
    """Return the request that the bytes of a SeldonMessage hold.

    Raises:
        BadData: they are no SeldonMessage, or none that a model can be called with.
        BodyTooLarge: they name more columns than a table may have.
    """
    message = SeldonMessage()
    _parse(message, body)
    meta = _decode_meta(message.meta) if message.HasField("meta") else {}
    field = message.WhichOneof("data_oneof")
    if field == "data":
        check_columns("data.names", len(message.data.names))
        kind, values = _decode_values(message.data)
        return Request(kind, values, list(message.data.names) or None, meta)
    if field == "jsonData":
        return Request(field, list_value.plain(message.jsonData), meta=meta)
    if field == "strData" or field == "binData":
        return Request(field, getattr(message, field), meta=meta)
    given = f"customData of type {message.customData.type_url!r}" if field else "no payload"
    raise BadData(
        f"the message has {given}: it must have data, jsonData, strData or binData; "
        "send for instance data with a tensor"
    )


def decode_feedback(body: bytes) -> Request:
    """Return what a feedback's answer depends on: its request's kind and puid.

    Raises:
        BadData: the bytes are no Feedback.
    """
    message = Feedback()
    _parse(message, body)
    kind = message.request.data.WhichOneof("data_oneof") or message.request.WhichOneof("data_oneof")
    puid = message.request.meta.puid
    return Request(kind or "", None, meta={"puid": puid} if puid else {})


def _parse(message: SeldonMessage | Feedback, body: bytes) -> None:
    try:
        message.MergeFromString(body)
    except DecodeError as error:
        raise BadData(f"the bytes are no {message.DESCRIPTOR.full_name}: {error}") from error


def _decode_values(data: DefaultData) -> tuple[str, Any]:
    kind = data.WhichOneof("data_oneof")
    if kind == "tensor":
        # A repeated field hands its numbers to numpy as they lie in memory.
        values = np.asarray(data.tensor.values, np.float64)
        return kind, shaped("data.tensor", values, list(data.tensor.shape))
    if kind == "ndarray":
        found = list_value.decode(data.ndarray)
        return kind, found if isinstance(found, np.ndarray) else rows("data.ndarray", found, unequal=True)
    if kind == "tftensor":
        found = tftensor.decode(data.tftensor)
        return kind, found if isinstance(found, np.ndarray) else rows("data.tftensor", found)
    raise BadData("data has nothing: it must have exactly one of ndarray, tensor or tftensor")


def _decode_meta(meta: Meta) -> dict[str, Any]:
    """Return what was set of meta, as it stands in JSON."""
    found: dict[str, Any] = {}
    if meta.puid:
        found["puid"] = meta.puid
    if meta.tags:
        found["tags"] = {key: list_value.plain(value) for key, value in meta.tags.items()}
    if meta.routing:
        found["routing"] = dict(meta.routing)
    if meta.requestPath:
        found["requestPath"] = dict(meta.requestPath)
    if meta.metrics:
        found["metrics"] = [_decode_metric(metric) for metric in meta.metrics]
    return found


def _decode_metric(metric: Metric) -> dict[str, Any]:
    return {
        "key": metric.key,
        "type": metric.type,
        "value": metric.value,
        "tags": dict(metric.tags),
    }


def encode(request: Request, answer: Answer, meta: dict[str, Any]) -> bytes:
    """Return the bytes of the SeldonMessage of an answer, of the same kind as the request's."""
    values = answer.values
    message = SeldonMessage(meta=_encode_meta(meta))
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


def _encode_meta(meta: dict[str, Any]) -> Meta:
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
