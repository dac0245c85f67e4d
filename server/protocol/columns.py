"""The cells of a request as columns of the types that a signature names.

JSON has one type of number: a whole number is taken for a double, and 3.0 for a long. Whatever would
lose something is refused. Types: https://mlflow.org/docs/latest/ml/model/signatures/
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel import Column

NUMBERS = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32"}
FLOATS = ("double", "float")


def block(columns: list[tuple[str, Column]], array: np.ndarray) -> np.ndarray | None:
    """Return a 2-D array of numbers as the one dtype of all columns, or None where there is no such dtype.

    ``columns`` are the label for messages and the signature's column, one for each of the array's.

    Raises:
        BadData: a number does not fit its column's type.
    """
    types = {column.type if isinstance(column.type, str) else "" for _, column in columns}
    if len(types) != 1 or array.dtype.kind not in "iuf":
        return None
    dtype = NUMBERS.get(types.pop())
    if dtype is None:
        return None
    if dtype.startswith("float") or array.dtype.kind in "iu":
        low, high = _range(dtype)
        if dtype.startswith("float") or bool(((array >= low) & (array <= high)).all()):
            return array.astype(dtype, copy=False)
    return np.column_stack(
        [cells(label, column, array[:, index].tolist()) for index, (label, column) in enumerate(columns)]
    )


def cells(label: str, column: Column, values: list[Any]) -> np.ndarray | list[Any]:
    """Return a column's values: an array where its type is a numpy one, else a list.

    Raises:
        BadData: a value is not of the column's type; the message names column, row and value.
    """
    kind = column.type
    if not isinstance(kind, str) or kind == "binary":
        return values  # Arrays, objects and maps are the model's to check.
    if kind == "datetime":
        return _datetimes(label, column, values)
    return _CONVERTERS[kind](label, column, values)


def _numbers(label: str, column: Column, values: list[Any]) -> np.ndarray:
    dtype = NUMBERS[str(column.type)]
    low, high = _range(dtype)
    for row, value in enumerate(values):
        if value is None and column.type in FLOATS:
            continue
        if type(value) not in (int, float):
            raise _wrong(label, column, row, value, "must be a number")
        if column.type in FLOATS:
            continue
        if value != value or value in (float("inf"), float("-inf")) or int(value) != value:
            raise _wrong(label, column, row, value, "must be a whole number")
        if not low <= value <= high:
            raise _wrong(label, column, row, value, f"must be from {low} to {high}")
    return np.array(values, dtype=dtype)


def _booleans(label: str, column: Column, values: list[Any]) -> np.ndarray:
    for row, value in enumerate(values):
        if type(value) is not bool:
            raise _wrong(label, column, row, value, "must be true or false")
    return np.array(values, dtype=bool)


def _strings(label: str, column: Column, values: list[Any]) -> list[Any]:
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            raise _wrong(label, column, row, value, "must be a string")
    return values


def _datetimes(label: str, column: Column, values: list[Any]) -> np.ndarray:
    times = np.empty(len(values), dtype="datetime64[ns]")
    for row, value in enumerate(values):
        rule = "must be a time such as 2026-01-31T12:00:00"
        if not isinstance(value, str | None):
            raise _wrong(label, column, row, value, rule)
        try:
            times[row] = np.datetime64("NaT" if value is None else value, "ns")
        except ValueError as error:
            raise _wrong(label, column, row, value, rule) from error
    return times


_CONVERTERS: dict[str, Callable[[str, Column, list[Any]], np.ndarray | list[Any]]] = {
    **dict.fromkeys(NUMBERS, _numbers),
    "boolean": _booleans,
    "string": _strings,
}


def _range(dtype: str) -> tuple[float, float]:
    if dtype.startswith("float"):
        return -np.inf, np.inf
    limits = np.iinfo(dtype)
    return limits.min, limits.max


def _wrong(label: str, column: Column, row: int, value: Any, rule: str) -> BadData:
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
    return BadData(f"{label}, row {row}: {shown} {rule}, the model's signature says {column.type}")
