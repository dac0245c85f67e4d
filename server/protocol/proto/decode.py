"""A message in the protocol buffers' form to a Request."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from server.errors import BadData
from server.protocol.proto import list_value, tftensor
from server.protocol.proto.messages import DefaultData, Feedback, Meta, Metric, SeldonMessage
from server.schema.json_arrays import check_columns, rows, shaped
from server.schema.request import Request


def decode(body: bytes) -> Request:
    """Return the request that the bytes of a SeldonMessage hold.

    Raises:
        BadData: they are no SeldonMessage, or none that a model can be called with.
        BodyTooLarge: they name more columns than a table may have.
    """
    message = SeldonMessage()
    _parse(message, body)
    meta = _meta(message.meta) if message.HasField("meta") else {}
    field = message.WhichOneof("data_oneof")
    if field == "data":
        check_columns("data.names", len(message.data.names))
        kind, values = _values(message.data)
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


def _values(data: DefaultData) -> tuple[str, Any]:
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


def _meta(meta: Meta) -> dict[str, Any]:
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
        found["metrics"] = [_metric(metric) for metric in meta.metrics]
    return found


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "key": metric.key,
        "type": metric.type,
        "value": metric.value,
        "tags": dict(metric.tags),
    }
