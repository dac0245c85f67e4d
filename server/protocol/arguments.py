"""A Request to the argument of the model's method, as its signature and xtype want it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel import Column, Schema, Tensor
from server.protocol import columns
from server.protocol.message import Request


@dataclass(frozen=True)
class Arguments:
    """What the model's process makes the argument of (server.model.worker.call).

    ``form`` is "array" or "frame". A frame's ``values`` are one 2-D array, or one value a column where ``columnar``.
    """

    form: str
    values: list[Any]
    names: list[str] | None = None
    columnar: bool = False

    @property
    def header(self) -> dict[str, Any]:
        """The part of a call's frame that describes the argument."""
        return {"as": self.form, "names": self.names, "columnar": self.columnar}


def arguments(request: Request, inputs: Schema | None, xtype: str) -> Arguments:
    """Return the argument for ``request``: an array, or a DataFrame with the request's names.

    Columns are matched by name where the request has names, and come in the signature's order. Without
    names they are taken in the signature's order, which only xtype ndarray allows.

    Raises:
        BadData: the request does not fit the signature, or is not a table where it must be one.
    """
    if inputs is not None and inputs.columns:
        return _by_columns(request, inputs, xtype)
    if inputs is not None and inputs.tensors:
        request = Request(request.kind, _by_tensor(request, inputs.tensors), request.names, request.meta)
    if xtype == "ndarray":
        return Arguments("array", [request.values])
    width = _width(request)
    if request.names is not None and len(request.names) != width:
        raise _miscounted(request.names, width)
    if isinstance(request.values, np.ndarray):
        return Arguments("frame", [request.values], request.names)
    return Arguments(
        "frame", [_typed(cells) for cells in zip(*request.values, strict=True)], request.names, True
    )


def _by_columns(request: Request, inputs: Schema, xtype: str) -> Arguments:
    order = _order(request, inputs, xtype)
    schema = [(_label(index, column), column) for index, column in order]
    names = inputs.names and [column.name or "" for _, column in order]
    positions = [index for index, _ in order]
    if isinstance(request.values, np.ndarray):
        array = request.values
        if positions != list(range(array.shape[1])):
            array = array[:, positions]
        block = columns.block(schema, array)
        if block is not None:
            return _block(block, names, xtype)
        cells = array.T.tolist()
    else:
        cells = [[row[index] for row in request.values] for index in positions]
    typed = [
        columns.cells(label, column, values) for (label, column), values in zip(schema, cells, strict=True)
    ]
    if xtype == "DataFrame":
        return Arguments("frame", typed, names, True)
    if all(isinstance(values, np.ndarray) and values.dtype.kind in "biuf" for values in typed):
        return Arguments("array", [np.column_stack(typed)])
    lists = [values.tolist() if isinstance(values, np.ndarray) else values for values in typed]
    return Arguments("array", [[list(row) for row in zip(*lists, strict=True)]])


def _block(array: np.ndarray, names: list[str] | None, xtype: str) -> Arguments:
    return Arguments("array", [array]) if xtype == "ndarray" else Arguments("frame", [array], names)


def _order(request: Request, inputs: Schema, xtype: str) -> list[tuple[int, Column]]:
    """Return, in the signature's order, the position in the request of each of its columns."""
    width = _width(request)
    wanted = inputs.names
    if request.names is not None and len(request.names) != width:
        raise _miscounted(request.names, width)
    if request.names is None or wanted is None:
        if request.names is None and wanted is not None and xtype == "DataFrame":
            raise BadData(f"data.names is missing: the model's signature has the columns {_listed(wanted)}")
        if width != len(inputs.columns):
            expected = f" ({_listed(wanted)})" if wanted else ""
            raise BadData(
                f"data has {width} columns: the model's signature has {len(inputs.columns)}{expected}"
            )
        return list(enumerate(inputs.columns))
    positions = {name: index for index, name in enumerate(request.names)}
    if len(positions) != len(request.names):
        twice = sorted({name for name in request.names if request.names.count(name) > 1})
        raise BadData(f"data.names has {_listed(twice)} more than once: every column must have its own name")
    optional_may_lack = xtype == "DataFrame"
    missing = [
        column.name
        for column in inputs.columns
        if column.name not in positions and (column.required or not optional_may_lack)
    ]
    unknown = [name for name in request.names if name not in wanted]
    if missing or unknown:
        said = [f"lacks {_listed(missing)}"] if missing else []
        said += [f"has unknown {_listed(unknown)}"] if unknown else []
        raise BadData(
            f"data.names {' and '.join(said)}: the model's signature has the columns {_listed(wanted)}"
        )
    return [(positions[column.name], column) for column in inputs.columns if column.name in positions]


def _by_tensor(request: Request, tensors: tuple[Tensor, ...]) -> np.ndarray:
    """Return the request's array as the signature's one tensor."""
    if len(tensors) != 1:
        raise BadData(
            f"the model's signature has {len(tensors)} tensors ({_listed([entry.name for entry in tensors])}): "
            f"data.{request.kind} can hold only one"
        )
    tensor = tensors[0]
    if not isinstance(request.values, np.ndarray):
        raise BadData(f"data.{request.kind} has strings or nulls: the model's signature says {tensor.dtype}")
    shape = request.values.shape
    fits = len(shape) == len(tensor.shape) and all(
        want in (-1, have) for want, have in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        raise BadData(
            f"data.{request.kind} has the shape {list(shape)}: the model's signature says "
            f"{list(tensor.shape)}, -1 being any length"
        )
    values = request.values
    converted = values.astype(tensor.dtype)
    if np.dtype(tensor.dtype).kind != "f" and not bool((converted == values).all()):
        raise BadData(
            f"data.{request.kind} has values that are no {tensor.dtype}: the model's signature wants that"
        )
    return converted


def _width(request: Request) -> int:
    """Return the number of columns of a request that must be a table."""
    if isinstance(request.values, np.ndarray):
        if request.values.ndim != 2:
            raise BadData(
                f"data.{request.kind} has the shape {list(request.values.shape)}: "
                "it must be a table of rows and columns, [[…], …]"
            )
        return int(request.values.shape[1])
    return len(request.values[0])


def _typed(cells: tuple[Any, ...]) -> np.ndarray | list[Any]:
    """Return a column without a signature: an array where its values are all numbers or all booleans."""
    kinds = {type(cell) for cell in cells}
    if kinds <= {int, float} or kinds == {bool}:
        array = np.array(cells)
        if array.dtype.kind in "biuf":
            return array
    return list(cells)


def _label(index: int, column: Column) -> str:
    return f"column {index}" if column.name is None else f"column {column.name!r}"


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names)


def _miscounted(names: list[str], width: int) -> BadData:
    return BadData(
        f"data.names has {len(names)} names, the rows have {width} values: there must be a name a column"
    )
