"""An Answer or an error to a JSON body."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import orjson

from server.errors import ServerError
from server.protocol.message import Answer, Request, answered

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
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "mM":
            values = np.datetime_as_string(values).tolist() if values.dtype.kind == "M" else values.tolist()
        elif values.dtype.kind == "f":
            values = np.ascontiguousarray(values, dtype=np.float64)
        if isinstance(values, np.ndarray) and answered(kind, values) == "tensor":
            tensor = {"shape": list(values.shape), "values": values.reshape(-1)}
            return {"data": {"names": answer.names, "tensor": tensor}}
    return {"data": {"names": answer.names, "ndarray": values}}


def failure(error: ServerError) -> bytes:
    """Return Seldon's error body."""
    status = {"code": -1, "info": str(error), "reason": error.reason, "status": 1}
    return orjson.dumps({"status": status})


def dumps(message: dict[str, Any]) -> bytes:
    """Return a message as JSON."""
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
