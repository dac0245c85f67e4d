"""A request to the argument of the model's method, by its signature and input type, and to its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.load_plan import InputType
from server.mlmodel.signature import Schema
from server.schema import columns, tensors
from server.schema.columns import entries, listed, order, unnamed, width
from server.schema.data_types import Misfit, Type, fit, holds
from server.schema.json_arrays import as_array, as_written, check_columns, check_rows
from server.schema.json_data import as_table, is_table
from server.schema.request import ARRAYS, Request


@dataclass(slots=True)
class Arguments:
    """What the model's process makes the argument of (server.worker.argument).

    ``input_type`` is "array", "frame", "list", "tensors" or "value". A frame's ``values`` are one 2-D array, or one value a
    column where ``columnar``; tensors are an array each. An array of strings or of mixed values is nested lists, and
    ``nested`` the number of its dimensions and its dtype ("object" or "str"), for each value. ``convert`` has, by
    column, the types of the signature that JSON has no form for.
    """

    input_type: str
    values: list[Any]
    names: list[Any] | None = None
    columnar: bool = False
    nested: list[tuple[int, str]] = field(default_factory=lambda: [(2, "object")])
    convert: dict[int, Type] = field(default_factory=dict)

    @property
    def header(self) -> dict[str, Any]:
        """The part of a call's frame that describes the argument."""
        header = {
            "as": self.input_type,
            "names": self.names,
            "columnar": self.columnar,
            "nested": self.nested,
        }
        return {**header, "convert": self.convert} if self.convert else header


def arguments(request: Request, inputs: Schema | None, input_type: InputType) -> Arguments:
    """Return the argument for ``request``: an array, a DataFrame, a list, or named tensors.

    Columns are matched by name where the request has names, and come in the signature's order. Without
    names they are taken in the signature's order, which a strict form does not allow.

    Raises:
        BadData: the request does not fit the signature, or is not a table where it must be one.
    """
    if input_type.nested and inputs is not None:
        return _by_rows(request, inputs, input_type)
    if not is_table(request.values):
        if inputs is None:
            return _as_is(request, input_type)
        request = as_table(request, inputs)
    elif isinstance(request.values, list):
        check_rows(request.values_field, request.values)
    if inputs is not None and inputs.columns:
        return _by_columns(request, inputs, input_type)
    if inputs is not None and inputs.tensors:
        return _by_tensors(request, inputs, input_type)
    return _as_sent(request, input_type)


def _by_rows(request: Request, inputs: Schema, input_type: InputType) -> Arguments:
    """Return a value for each row, as a list or as the only column of a DataFrame or an array."""
    (column,) = inputs.columns
    values = entries(request, column, hinted=input_type.kind == "list")
    convert = {0: column.type} if holds(column.type, columns.CONVERTED) else {}
    if input_type.kind == "list":
        return Arguments("list", [values], convert=convert)
    if input_type.is_frame:
        return Arguments("frame", [values], columnar=True, convert=convert)
    return Arguments("array", [[[value] for value in values]], convert=convert)


def _as_is(request: Request, input_type: InputType) -> Arguments:
    """Return what is no table for a model without a signature: a row of an ndarray as that, or any other value."""
    if request.kind not in ARRAYS:
        return Arguments("value", [request.values])
    if input_type.strict:
        raise _no_table(request, [len(request.values)])
    check_rows(request.values_field, request.values)
    return Arguments("array", [request.values], nested=[(1, "object")])


def _no_table(request: Request, shape: list[int]) -> BadData:
    return BadData(
        f"{request.values_field} has the shape {shape}: it must be a table of rows and columns, [[…], …]"
    )


def _by_tensors(request: Request, inputs: Schema, input_type: InputType) -> Arguments:
    by_name = tensors.by_name(request, inputs)
    arrays = list(by_name.values())
    if input_type.is_frame and len(arrays) == 1:
        return _tensor_as_frame(request, inputs, arrays[0])
    values = [array.tolist() if array.dtype.kind in "OU" else array for array in arrays]
    nested = [(array.ndim, "str" if array.dtype.kind == "U" else "object") for array in arrays]
    if None not in by_name:
        return Arguments("tensors", values, [str(name) for name in by_name], nested=nested)
    return Arguments("array", values, nested=nested)


def _tensor_as_frame(request: Request, inputs: Schema, array: np.ndarray) -> Arguments:
    """Return a tensor of one dimension as the only column of a DataFrame, one of two as its columns."""
    table = array.reshape(len(array), -1)
    names = request.names
    if names is not None and len(names) != table.shape[1]:
        width(request)  # It says so, unless the tensor was flattened.
    if names is None and table.shape[1] == 1:
        names = inputs.names
    if table.dtype.kind in "OU":
        return Arguments("frame", list(table.T.tolist()), names, True)
    return Arguments("frame", [table], names)


def _as_sent(request: Request, input_type: InputType) -> Arguments:
    values = request.values
    is_array = isinstance(values, np.ndarray)
    if not input_type.is_frame or (is_array and values.ndim != 2 and not input_type.strict):
        return Arguments("array", [values if is_array else _numbers(values)])
    if is_array and values.ndim != 2:
        raise _no_table(request, list(values.shape))
    check_columns(request.values_field, width(request))
    values = as_written(values)
    if isinstance(values, np.ndarray):
        return Arguments("frame", [values], request.names)
    return Arguments("frame", [_typed(cells) for cells in zip(*values, strict=True)], request.names, True)


def _numbers(rows: list[Any]) -> Any:
    """Return rows as an array if they are numbers that a table of them is not yet, else as they are."""
    array = as_array(rows)
    # Lists of several lengths in cells, or numbers that no array can hold, stay as they are.
    return array if array is not None and array.dtype.kind in "biuf" else rows


def _by_columns(request: Request, inputs: Schema, input_type: InputType) -> Arguments:
    frame = input_type.kind == "frame"
    if len(inputs.columns) == 1 and isinstance(request.values, np.ndarray) and request.values.ndim == 1:
        request = replace(
            request, values=request.values[:, np.newaxis]
        )  # A list of values is a column of them.
    if _in_order(request, inputs, input_type.strict):
        # The common case: nothing to reorder or check.
        block = columns.block(inputs, request.values)
        if block is not None:
            return Arguments("frame", [block], inputs.labels) if frame else Arguments("array", [block])
    if input_type.strict and inputs.names and request.names is None:
        raise unnamed(request, inputs)
    placed = order(request, inputs, complete=not frame)
    schema = [inputs.columns[index] for index, _ in placed]
    positions = [position for _, position in placed]
    # Where the signature has no names, the request's are kept.
    names = [column.label for column in schema] if inputs.names else request.names
    values = request.values
    if isinstance(values, np.ndarray) and values.ndim == 2:
        array = values
        if positions != list(range(array.shape[1])):
            array = array[:, positions]
        block = columns.block(Schema(tuple(schema)), array)
        if block is not None:
            return Arguments("frame", [block], names) if frame else Arguments("array", [block])
        cells = array.T.tolist()
    else:
        rows = values.tolist() if isinstance(values, np.ndarray) else values
        by_position = list(map(list, zip(*rows, strict=True)))
        cells = [by_position[position] for position in positions]
    typed = [
        columns.cells(index, column, cells[place])
        for place, ((index, _), column) in enumerate(zip(placed, schema, strict=True))
    ]
    convert = {
        index: column.type for index, column in enumerate(schema) if holds(column.type, columns.CONVERTED)
    }
    if frame:
        return Arguments("frame", typed, names, True, convert=_without_times(convert))
    if all(isinstance(values, np.ndarray) and values.dtype.kind in "biuf" for values in typed):
        return Arguments("array", [np.column_stack(typed)])
    rows = zip(*(columns.as_json(values) for values in typed), strict=True)
    return Arguments("array", [[list(row) for row in rows]], convert=convert)


def _in_order(request: Request, inputs: Schema, needed: bool) -> bool:
    """Return whether a request is an array whose columns stand as in the signature, which names are ``needed`` to say."""
    values, names = request.values, request.names
    return (
        isinstance(values, np.ndarray)
        and values.ndim == 2
        and values.shape[1] == len(inputs.columns)
        and (names == inputs.names or (names is None and not needed))
        and inputs.distinct
    )


def _without_times(convert: dict[int, Type]) -> dict[int, Type]:
    """Return what is left to convert where columns of times are datetime64 already."""
    return {index: kind for index, kind in convert.items() if kind != "datetime"}


def _typed(cells: tuple[Any, ...]) -> np.ndarray | list[Any]:
    """Return a column without a signature: an array where its values are all numbers or all booleans."""
    kinds = {type(cell) for cell in cells}
    if kinds <= {int, float} or kinds == {bool}:
        array = np.array(cells)
        if array.dtype.kind in "biuf":
            return array
    return list(cells)


def parameters(
    given: dict[str, Any], known: list[dict[str, Any]], field: str = "jsonData.params"
) -> dict[str, Any]:
    """Return ``given`` with values of the types that the signature's parameters ``known`` have.

    What is not given has its default, which the model's process knows. null stands for no value. ``field`` is what messages
    call them.

    Raises:
        BadData: the signature has no such parameter, or the value is not of its type.
    """
    if not given:
        return {}
    by_name = {entry["name"]: entry for entry in known}
    unknown = [name for name in given if name not in by_name]
    if unknown:
        has = f"the parameters {listed(by_name)}" if by_name else "no parameters"
        raise BadData(f"{field} has unknown {listed(unknown)}: the model's signature has {has}")
    return {name: _value(value, by_name[name], field) for name, value in given.items()}


def _value(value: Any, entry: dict[str, Any], field: str) -> Any:
    kind = entry if "properties" in entry else {"type": entry["type"]}
    if entry.get("shape"):
        kind = {"type": "array", "items": kind}
    try:
        return fit(value, kind, required=False)
    except Misfit as misfit:
        raise BadData(f"{field}.{entry['name']}{misfit}") from misfit
