"""The cells of a request as columns of the types that a signature names.

Whatever a column's type cannot hold is refused; what is taken for what is in ``server.schema.scalar_types``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Column, Schema
from server.schema.nested_types import fit
from server.schema.scalar_types import FLOATS, INTEGERS, Misfit

NUMBERS = {**FLOATS, **INTEGERS}
# Types that JSON has no form for: they are text in it, and made what they are in the model's process.
CONVERTED = {"binary", "datetime"}


def block(schema: Schema, array: np.ndarray) -> np.ndarray | None:
    """Return a 2-D array of numbers as the one dtype of all its columns, or None where there is no such dtype.

    Raises:
        BadData: a number does not fit its column's type.
    """
    dtype = NUMBERS.get(schema.kind or "")
    if dtype is None or array.dtype.kind not in "iuf":
        return None
    if array.dtype == dtype:
        return array
    if dtype == "float64" or _fits(array, dtype):
        return array.astype(dtype, copy=False)
    return np.column_stack(
        [cells(index, column, array[:, index].tolist()) for index, column in enumerate(schema.columns)]
    )


def cells(index: int, column: Column, values: list[Any]) -> np.ndarray | list[Any]:
    """Return the values of the column with the number ``index``: an array where its type is one of numpy's, else a list.

    Times are datetime64[ns]. Inside arrays, objects and maps times and bytes stay text, and so do bytes in a
    column of their own: the model's process makes them what they are.

    Raises:
        BadData: a value is not of the column's type; the message names column, row and value.
    """
    kind = column.type if isinstance(column.type, str) else ""
    quick = _quick(kind, values)
    if quick is not None:
        return quick
    fitted = []
    for row, value in enumerate(values):
        try:
            fitted.append(fit(value, column.type, required=column.required or bool(kind)))
        except Misfit as misfit:
            label = f"column {index}" if column.name is None else f"column {column.name!r}"
            raise BadData(f"{label}, row {row}{misfit}") from misfit
    if kind in NUMBERS:
        return np.array(fitted, dtype=NUMBERS[kind])
    if kind == "datetime":
        return np.array(["NaT" if value is None else value for value in fitted], dtype="datetime64[ns]")
    return np.array(fitted, dtype=bool) if kind == "boolean" and None not in fitted else fitted


def as_json(values: np.ndarray | list[Any]) -> list[Any]:
    """Return a column as what JSON has for its values: times as text."""
    if isinstance(values, list):
        return values
    if values.dtype.kind == "M":
        return [None if text == "NaT" else text for text in np.datetime_as_string(values).tolist()]
    return list(values.tolist())


def _quick(kind: str, values: list[Any]) -> np.ndarray | list[Any] | None:
    """Return a column converted at once where its values are of its type, or None where each must be checked."""
    types = set(map(type, values))
    if kind == "double" and types <= {int, float, type(None)}:
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError:
            return None
    if kind in INTEGERS and types == {int}:
        array = np.array(values)
        return (
            array.astype(INTEGERS[kind])
            if array.dtype.kind in "iu" and _fits(array, INTEGERS[kind])
            else None
        )
    if kind == "boolean" and types == {bool}:
        return np.array(values)
    if kind == "string" and types <= {str, type(None)}:
        return values
    return None


def _fits(array: np.ndarray, dtype: str) -> bool:
    """Return whether an array of numbers has only such as plainly are in the range of ``dtype``."""
    if dtype.startswith("float"):
        with np.errstate(over="ignore"):
            return bool((np.isfinite(array.astype(dtype)) | ~np.isfinite(array)).all())
    limits = np.iinfo(dtype)
    return array.dtype.kind in "iu" and bool(((array >= limits.min) & (array <= limits.max)).all())
