"""Which messages are right for a model, said once more: what the tests expect of the server, and not by its code."""

from __future__ import annotations

import base64
import math
from enum import Enum
from typing import Any

from tests.conformance.models import FEATURES

PAYLOADS = ("data", "jsonData", "strData", "binData")


class Verdict(Enum):
    """What must become of a message."""

    ALIKE = "the wrapper and this server answer alike"
    WRONG = "this server refuses it"
    OTHER = "this server answers it, and the wrapper perhaps in another way"


def verdict(model: str, message: Any) -> Verdict:
    """Return what must become of a message to a model."""
    if not isinstance(message, dict) or sum(name in message for name in PAYLOADS) != 1:
        return Verdict.WRONG
    payload = _any(message) if model == "echo" else _table(model, message.get("data"))
    return _least(_meta(message.get("meta", {})), payload)


def _least(*verdicts: Verdict) -> Verdict:
    order = [Verdict.WRONG, Verdict.OTHER, Verdict.ALIKE]
    return min(verdicts, key=order.index)


def _right(fits: bool) -> Verdict:
    return Verdict.ALIKE if fits else Verdict.WRONG


def _meta(meta: Any) -> Verdict:
    if meta is None:
        return Verdict.OTHER
    if not isinstance(meta, dict):
        return Verdict.WRONG
    types = {"puid": str, "tags": dict, "requestPath": dict, "routing": dict}
    given = {name: meta[name] for name in types if name in meta}
    wrong = any(value is not None and not isinstance(value, types[name]) for name, value in given.items())
    images = (given.get("requestPath") or {}).values() if not wrong else ()
    branches = (given.get("routing") or {}).values() if not wrong else ()
    wrong = wrong or not all(type(branch) is int for branch in branches)
    if wrong or not all(isinstance(image, str) for image in images):
        return Verdict.WRONG
    return Verdict.OTHER if None in given.values() else Verdict.ALIKE


def _table(model: str, data: Any) -> Verdict:
    """Return the verdict on data for a model whose signature has four columns of doubles."""
    if not isinstance(data, dict) or ("tensor" in data) == ("ndarray" in data):
        return Verdict.WRONG
    names = data.get("names")
    if names != FEATURES and (model == "svm" or names not in (None, [])):
        return Verdict.WRONG
    rows = _rows(data["tensor"]) if "tensor" in data else data["ndarray"]
    cells = float | int | None if "ndarray" in data else float | int
    fits = (
        isinstance(rows, list)
        and len(rows) > 0
        and all(isinstance(row, list) and len(row) == len(FEATURES) for row in rows)
        and all(isinstance(cell, cells) and not isinstance(cell, bool) for row in rows for cell in row)
    )
    if fits and any(cell is None for row in rows for cell in row):
        return Verdict.OTHER  # NaN: the SVM raises, and the scaler returns it.
    return _right(fits)


def _any(message: dict[str, Any]) -> Verdict:
    """Return the verdict on a message to a model that takes anything."""
    if "strData" in message:
        return _right(isinstance(message["strData"], str))
    if "binData" in message:
        return _right(_is_base64(message["binData"]))
    if "jsonData" in message:
        return _json(message["jsonData"])
    data = message["data"]
    if not isinstance(data, dict) or ("tensor" in data) == ("ndarray" in data):
        return Verdict.WRONG
    names = data.get("names")
    if names is not None and not (
        isinstance(names, list) and all(type(name) in (str, int) for name in names)
    ):
        return Verdict.WRONG
    found = _right(_rows(data["tensor"]) is not None) if "tensor" in data else _array(data["ndarray"])
    # The wrapper does not take a whole number for the name of a column.
    numbered = any(isinstance(name, int) for name in names or ())
    return _least(found, Verdict.OTHER) if numbered else found


def _json(value: Any) -> Verdict:
    if isinstance(value, dict):
        return Verdict.ALIKE
    if isinstance(value, list) and value and isinstance(value[0], list):
        widths = {len(row) if isinstance(row, list) else -1 for row in value}
        return Verdict.OTHER if len(widths) == 1 else Verdict.WRONG
    return Verdict.OTHER


def _array(value: Any) -> Verdict:
    if not isinstance(value, list) or not value:
        return Verdict.WRONG
    cells, depth = value, 1
    while all(isinstance(cell, list) for cell in cells):
        lengths = {len(cell) for cell in cells}
        if len(lengths) != 1:
            return Verdict.WRONG if depth == 1 else Verdict.OTHER
        if lengths == {0}:
            return Verdict.WRONG if depth == 1 else Verdict.OTHER
        cells, depth = [entry for cell in cells for entry in cell], depth + 1
    if any(isinstance(cell, list) for cell in cells):
        return Verdict.WRONG if depth == 1 else Verdict.OTHER
    kinds = {
        "number" if type(cell) in (int, float) else type(cell).__name__ for cell in cells if cell is not None
    }
    return Verdict.ALIKE if kinds <= {"number"} or kinds == {"str"} or kinds == {"bool"} else Verdict.OTHER


def _rows(tensor: Any) -> list[list[Any]] | None:
    """Return a tensor's rows (one without values where it has other than two dimensions), or None where it is none."""
    if not isinstance(tensor, dict):
        return None
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(shape, list) or not all(type(length) is int and length > 0 for length in shape):
        return None
    if not isinstance(values, list) or math.prod(shape) != len(values):
        return None
    if not all(type(value) in (int, float, bool) for value in values):
        return None
    if len(shape) != 2:
        return [[]]
    return [values[start : start + shape[1]] for start in range(0, len(values), shape[1])]


def _is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(base64.b64decode(value, validate=True) or not value)
    except ValueError:
        return False
