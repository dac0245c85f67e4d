"""The order of a request's columns against the signature's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Schema
from server.schema.request import Request


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
