"""A JSON body to a Request."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson

from server.errors import BadData
from server.protocol.message import Request

KINDS = ("ndarray", "tensor")
NUMERIC = "biuf"


def decode(body: bytes) -> Request:
    """Return the request that a JSON body holds.

    Raises:
        BadData: the body is not a Seldon message that a model can be called with.
    """
    message = _object("the body", _parse(body))
    if "data" not in message:
        given = ", ".join(sorted(message)) or "nothing"
        raise BadData(f'the body has no "data" (it has {given}): send {{"data": {{"ndarray": [[…], …]}}}}')
    data = _object("data", message["data"])
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        given = ", ".join(sorted(data)) or "nothing"
        raise BadData(f"data has {given}: it must have exactly one of {' or '.join(KINDS)}")
    names = _names(data.get("names"))
    kind = kinds[0]
    values = _tensor(data[kind]) if kind == "tensor" else _ndarray(data[kind])
    return Request(kind, values, names, _object("meta", message.get("meta") or {}))


def _parse(body: bytes) -> Any:
    if not body.strip():
        raise BadData('the body is empty: send a JSON object such as {"data": {"ndarray": [[…], …]}}')
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:
            # Not JSON, but what Python's own encoder writes for them.
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass  # The first error says more.
        raise BadData(f"the body is not JSON: {error}") from error


def _object(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadData(f"{what} is {_shown(value)}: it must be a JSON object")
    return value


def _names(names: Any) -> list[str] | None:
    if names is None or names == []:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadData(f"data.names is {_shown(names)}: it must be a list of strings")
    return names


def _ndarray(rows: Any) -> np.ndarray | list[list[Any]]:
    if not isinstance(rows, list):
        raise BadData(f"data.ndarray is {_shown(rows)}: it must be a list of rows, [[…], …]")
    if not rows:
        raise BadData("data.ndarray has no rows: send at least one")
    try:
        array = np.array(rows)
    except (ValueError, OverflowError):
        array = None
    if array is not None and array.dtype.kind in NUMERIC:
        return array
    _check_rows(rows)
    return rows


def _check_rows(rows: list[Any]) -> None:
    """Refuse rows that are not lists of one length, or whose cells are lists of several lengths."""
    if not any(isinstance(row, list) for row in rows):
        raise BadData(f"data.ndarray is one row, {_shown(rows)}: it must be a list of rows, [[…], …]")
    for index, row in enumerate(rows):
        if not isinstance(row, list):
            raise BadData(f"data.ndarray row {index} is {_shown(row)}: every row must be a list")
        if len(row) != len(rows[0]):
            raise BadData(
                f"data.ndarray row {index} has {len(row)} values, row 0 has {len(rows[0])}: "
                "rows must be of equal length"
            )


def _tensor(tensor: Any) -> np.ndarray:
    tensor = _object("data.tensor", tensor)
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(shape, list) or not all(type(length) is int and length >= 0 for length in shape):
        raise BadData(f"data.tensor.shape is {_shown(shape)}: it must be a list of whole numbers, 0 or more")
    if not isinstance(values, list):
        raise BadData(f"data.tensor.values is {_shown(values)}: it must be a list of numbers")
    try:
        array = np.array(values) if values else np.empty(0)
    except (ValueError, OverflowError):
        array = None
    if array is None or array.ndim != 1 or array.dtype.kind not in NUMERIC:
        wrong = next((value for value in values if not isinstance(value, int | float)), values)
        raise BadData(f"data.tensor.values has {_shown(wrong)}: it must be a flat list of numbers")
    # The lengths may be beyond what numpy can multiply.
    size = 1
    for length in shape:
        size *= length
    if size != len(values):
        raise BadData(
            f"data.tensor.shape {shape} asks for {size} values, data.tensor.values has {len(values)}"
        )
    if size == 0:
        raise BadData("data.tensor has no values: send at least one row")
    return array.reshape(shape)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
