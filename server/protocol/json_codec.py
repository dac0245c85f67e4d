"""Seldon messages in JSON: a message to a Request, an Answer or an error to a body."""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import orjson

from server.errors import BadData, ServerError
from server.ipc.columnar_table import ColumnarTable, time_texts
from server.protocol.meta import meta
from server.schema.json_arrays import mapping, names, rows, shown, tensor
from server.schema.request import Answer, Request, answered

KINDS = ("ndarray", "tensor")
FIELDS = ("data", "jsonData", "strData", "binData")
OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def decode(message: Any) -> Request:
    """Return the request that a message, parsed from JSON, holds.

    Raises:
        BadData: it is not a Seldon message that a model can be called with.
    """
    message = mapping("the body", message)
    fields = [field for field in FIELDS if field in message]
    if len(fields) != 1:
        given = ", ".join(sorted(message)) or "nothing"
        raise BadData(
            f"the body has {given}: it must have exactly one of {', '.join(FIELDS)}; "
            'send for instance {"data": {"ndarray": [[…], …]}}'
        )
    request_meta = meta(message.get("meta"))
    field = fields[0]
    if field != "data":
        return Request(field, _VALUES[field](message[field]), meta=request_meta)
    data = mapping("data", message["data"])
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        given = ", ".join(sorted(data)) or "nothing"
        raise BadData(f"data has {given}: it must have exactly one of {' or '.join(KINDS)}")
    kind = kinds[0]
    values = (
        tensor("data.tensor", data[kind])
        if kind == "tensor"
        else rows("data.ndarray", data[kind], unequal=True)
    )
    return Request(kind, values, names("data.names", data.get("names")), request_meta)


def bare(message: Any) -> Request:
    """Return the request that a message holds, or any other JSON value as MLflow has it: the input itself.

    Raises:
        BadData: it is a Seldon message that is broken.
    """
    if isinstance(message, dict) and not any(field in message for field in FIELDS):
        return Request("jsonData", message)
    return decode(message)


def places(message: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield where a message has arrays of numbers (server.protocol.json_body)."""
    data = message.get("data") if isinstance(message, dict) else None
    if isinstance(data, dict):
        yield data, "ndarray"
        if isinstance(data.get("tensor"), dict):
            yield data["tensor"], "values"


def _str_data(value: Any) -> str:
    if not isinstance(value, str):
        raise BadData(f"strData is {shown(value)}: it must be a string")
    return value


def _bin_data(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value  # A file of a multipart form.
    try:
        return base64.b64decode(_base64_text(value), validate=True)
    except ValueError as error:
        raise BadData(f"binData is {shown(value)}: it must be base64 ({error})") from error


def _base64_text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadData(f"binData is {shown(value)}: it must be a string of base64")
    return value


_VALUES: dict[str, Callable[[Any], Any]] = {
    "jsonData": lambda value: value,
    "strData": _str_data,
    "binData": _bin_data,
}


def encode(request: Request, answer: Answer, meta: dict[str, Any]) -> bytes:
    """Return the body of an answer, of the same kind as the request's.

    NaN and the infinities, which JSON does not know, are written as null.
    """
    return dumps({**payload(request.kind, answer), "meta": meta})


def payload(kind: str, answer: Answer) -> dict[str, Any]:
    """Return the field of a Seldon message that holds an answer: data, jsonData, strData or binData."""
    values = answer.values
    if isinstance(values, dict):
        return {"jsonData": values}
    if isinstance(values, str):
        return {"strData": values}
    if isinstance(values, bytes):
        return {"binData": base64.b64encode(values).decode()}
    return {"data": {"names": answer.names, **_array(kind, values)}}


def _array(kind: str, values: np.ndarray | ColumnarTable | list[Any]) -> dict[str, Any]:
    """Return the field of data that holds an array, a table, or rows as lists."""
    if isinstance(values, list):
        return {"ndarray": values}
    is_tensor = answered(kind, values) == "tensor"
    if isinstance(values, ColumnarTable):
        rows = values.tolist()
        shape, cells = [len(rows), values.width], list(itertools.chain.from_iterable(rows))
        return {"tensor": {"shape": shape, "values": cells}} if is_tensor else {"ndarray": rows}
    if values.dtype.kind in "mM":
        return {"ndarray": time_texts(values)}
    if values.dtype.kind == "f":
        values = np.ascontiguousarray(values, dtype=np.float64)
    if is_tensor:
        return {"tensor": {"shape": list(values.shape), "values": values.reshape(-1)}}
    return {"ndarray": values}


def failure(error: ServerError) -> bytes:
    """Return Seldon's error body."""
    return orjson.dumps({"status": status(error)})


def status(error: ServerError) -> dict[str, Any]:
    """Return what Seldon says of an error."""
    return {"code": -1, "info": str(error), "reason": error.reason, "status": 1}


def dumps(message: Any) -> bytes:
    """Return a message, or any JSON value, as JSON."""
    try:
        return orjson.dumps(message, option=OPTIONS)
    except orjson.JSONEncodeError:
        # A whole number of more than 64 bits, or half a surrogate pair, which the standard library can write.
        return json.dumps(_finite(message)).encode()


def _finite(value: Any) -> Any:
    """Return a value with null for NaN and the infinities."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
