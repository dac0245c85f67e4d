"""An Answer or an error to a JSON body."""

from __future__ import annotations

import base64
import itertools
import json
import math
from typing import Any

import numpy as np
import orjson

from server.errors import ServerError
from server.ipc.columnar_table import ColumnarTable, time_texts
from server.schema.request import Answer, Request, answered

OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


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
