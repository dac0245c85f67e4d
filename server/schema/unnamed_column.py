"""A request as a list of one value a row, for a signature of one unnamed column of arrays, objects, maps or anything.

That is what MLflow makes of a type hint: ``list[T]`` has one column of the type T.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Column
from server.schema.column_order import width
from server.schema.nested_types import fit
from server.schema.request import Request
from server.schema.scalar_types import Misfit


def entries(request: Request, column: Column, *, hinted: bool) -> list[Any]:
    """Return the request's values, each of the column's type; times and bytes stay text, checked.

    The payload is a list of such values, one such value, or a table: of one column with a value in each cell, or, for
    objects and maps, of a column for each of their names. ``hinted`` says that the model itself holds objects to what
    they must have (server.schema.nested_types.fit).

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
