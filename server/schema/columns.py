"""The columns of a request against the signature's: their order, and their cells as the types that it names.

A signature of one unnamed column of arrays, objects, maps or anything takes a list of one value a row.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Column, Schema
from server.schema.data_types import FLOATS, INTEGERS, Misfit, fit
from server.schema.request import Request

NUMBERS = {**FLOATS, **INTEGERS}
# Types that JSON has no form for: they are text in it, and made what they are in the model's process.
CONVERTED = {"binary", "datetime"}


def width(request: Request) -> int:
    """Return the number of columns of a request, each of which has its name if there are names.

    Raises:
        BadData: the request is not a table, or has more or fewer names than columns.
    """
    if isinstance(request.values, np.ndarray) and request.values.ndim < 2:
        raise BadData(
            f"{request.values_field} has the shape {list(request.values.shape)}: "
            "it must be a table of rows and columns, [[…], …]"
        )
    columns = len(request.values[0])
    if request.names is not None and len(request.names) != columns:
        raise BadData(
            f"{request.names_field} has {len(request.names)} names, the rows have {columns} values: there must be a name a column"
        )
    return columns


def order(request: Request, inputs: Schema, *, complete: bool) -> list[tuple[int, int]]:
    """Return, for each entry of the signature in its order, its number and that of the request's column.

    Columns are matched by name where both sides have names, else by position. Optional ones may be missing
    unless ``complete``.

    Raises:
        BadData: columns are missing or unknown, or have the same name.
    """
    columns = width(request)
    entries = inputs.columns or inputs.tensors
    wanted = inputs.names
    if request.names is None or wanted is None:
        if columns != len(entries):
            expected = f" ({listed(wanted)})" if wanted else ""
            what = "data" if request.fields is None else request.fields.values
            raise BadData(f"{what} has {columns} columns: the model's signature has {len(entries)}{expected}")
        return [(index, index) for index in range(columns)]
    positions = {name: index for index, name in enumerate(request.names)}
    if len(positions) != columns:
        twice = sorted({name for name in request.names if request.names.count(name) > 1})
        raise BadData(
            f"{request.names_field} has {listed(twice)} more than once: every column must have its own name"
        )
    optional = set() if complete else {column.name for column in inputs.columns if not column.required}
    missing = [name for name in wanted if name not in positions and name not in optional]
    unknown = [name for name in request.names if name not in wanted]
    if missing or unknown:
        said = [f"lacks {listed(missing)}"] if missing else []
        said += [f"has unknown {listed(unknown)}"] if unknown else []
        raise BadData(
            f"{request.names_field} {' and '.join(said)}: the model's signature has {_kind(inputs)} {listed(wanted)}"
        )
    return [(index, positions[name]) for index, name in enumerate(wanted) if name in positions]


def unnamed(request: Request, inputs: Schema) -> BadData:
    """Return the error that a request has no names and cannot do without."""
    fault = (
        "data.names is missing"
        if request.fields is None
        else f"{request.fields.values} has no names of columns"
    )
    return BadData(f"{fault}: the model's signature has {_kind(inputs)} {listed(inputs.names or [])}")


def listed(names: Iterable[str | None]) -> str:
    """Return names for a message."""
    return ", ".join(map(repr, names))


def _kind(inputs: Schema) -> str:
    return "the columns" if inputs.columns else "the tensors"


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


def entries(request: Request, column: Column, *, hinted: bool) -> list[Any]:
    """Return the request's values, each of the column's type; times and bytes stay text, checked.

    The payload is a list of such values, one such value, or a table: of one column with a value in each cell, or, for
    objects and maps, of a column for each of their names. ``hinted`` says that the model itself holds objects to what
    they must have (server.schema.data_types.fit).

    Raises:
        BadData: a value is not of the type, or there is none.
    """
    values = request.values.tolist() if isinstance(request.values, np.ndarray) else request.values
    if isinstance(values, bytes):
        values = base64.b64encode(values).decode()
    given = values if isinstance(values, list) else [values]
    if not given:
        raise BadData(f"{request.kind} has no values: send at least one")
    wrong: list[BadData] = []
    for reading in _readings(request, given, column):
        try:
            return _fitted([reading(value) for value in given], column, hinted)
        except BadData as error:
            wrong.append(error)
    # A row of one cell is meant where the type is no array.
    raise wrong[0 if _name(column) == "array" else -1]


def _readings(request: Request, given: list[Any], column: Column) -> list[Callable[[Any], Any]]:
    """Return what an entry of the payload may stand for, the likeliest first."""
    single = all(isinstance(value, list) and len(value) == 1 for value in given)
    names = request.names
    if names is None:
        return [_itself, _cell] if single else [_itself]
    if not all(isinstance(value, list) for value in given):
        raise BadData(
            f"{request.values_field} has values that are no rows: with {request.names_field} every row must be a list"
        )
    columns = width(request)
    by_name = [lambda row: dict(zip(names, row, strict=True))] if _name(column) in ("object", "map") else []
    if not single and not by_name:
        raise BadData(
            f"{request.names_field} has {columns} names: the model takes one value a row, {_name(column)}"
        )
    return [_cell, *by_name] if single else by_name


def _name(column: Column) -> str:
    return column.type if isinstance(column.type, str) else str(column.type["type"])


def _itself(value: Any) -> Any:
    return value


def _cell(row: list[Any]) -> Any:
    return row[0]


def _fitted(values: list[Any], column: Column, hinted: bool) -> list[Any]:
    fitted = []
    for row, value in enumerate(values):
        try:
            fitted.append(fit(value, column.type, required=column.required, hinted=hinted))
        except Misfit as misfit:
            raise BadData(f"row {row}{misfit}") from misfit
    return fitted
