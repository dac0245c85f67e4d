"""An inference request of the Open Inference Protocol as the node's Request, and the node's Answer as its outputs.

Inputs become a table or a tensor as their content type or the model's signature says. Content types are MLServer's:
https://mlserver.readthedocs.io/en/latest/user-guide/content-type.html
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from server.errors import BadData
from server.ipc.columnar_table import ColumnarTable
from server.mlmodel.signature import Column, Schema
from server.protocol.v2.tensor import Tensor, representable
from server.schema.json_arrays import check_columns, shown
from server.schema.request import Answer, Fields, Request

# What makes an input a column of a table, and what it is otherwise.
FRAME, ARRAY = "pd", "np"
CELLS = ("str", "base64", "datetime")
# MLServer's for JSON inside BYTES, which would be a protocol of its own inside of this one.
JSON = "hg_json"
ELSEWHERE = "arrays of several lengths, objects and maps go to /invocations or /api/v1.0/predictions"
# The output of an answer that is no table with names, as MLServer calls it for MLflow's models.
OUTPUT = "output-1"
# What messages call the parts of a request.
FIELDS = Fields("inputs", "inputs", "parameters")


@dataclass(slots=True)
class Output:
    """A requested output: ``binary`` where its values are to come as raw bytes, None where the request says nothing of it."""

    name: str
    binary: bool | None = None


@dataclass(slots=True)
class Inference:
    """An inference request.

    ``outputs`` are those that the client asked for, in its order; all where it asked for none. ``binary`` is whether the others come
    as raw bytes.
    """

    id: str
    inputs: list[Tensor]
    parameters: dict[str, Any] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    binary: bool = False


def request(inference: Inference, schema: Schema | None) -> Request:
    """Return the node's request for the inputs: a table of their columns, or the one tensor that there is.

    Raises:
        BadData: a content type is unknown, or the inputs are no table.
    """
    if "method" in inference.parameters:
        raise BadData(
            "the parameter method cannot be sent: which method is called is the deployment's to say (predict_method)"
        )
    given = _content_type("the request", inference.parameters)
    for tensor in inference.inputs:
        if not tensor.values.size:
            raise BadData(f"input {tensor.name!r} has no values: send at least one row")
        _decode_cells(tensor)
    is_frame = FRAME in (
        given,
        *(_content_type(f"input {each.name!r}", each.parameters) for each in inference.inputs),
    )
    if len(inference.inputs) > 1 or is_frame or _is_column(inference.inputs[0], schema):
        return _table(inference.inputs, schema)
    (tensor,) = inference.inputs
    values = tensor.values if tensor.values.dtype.kind != "O" else tensor.values.tolist()
    return Request("ndarray", values, fields=FIELDS)


def _content_type(what: str, parameters: dict[str, Any]) -> str:
    given = parameters.get("content_type", "")
    if given not in ("", FRAME, ARRAY, *CELLS):
        known = ", ".join((ARRAY, FRAME, *CELLS))
        if given == JSON:
            known += f"; {ELSEWHERE}"
        raise BadData(f"the content_type of {what} is {shown(given)}: it must be one of {known}")
    return str(given)


def _is_column(tensor: Tensor, schema: Schema | None) -> bool:
    """Return whether the only input is a column of the signature: by its name or, where that has one column only, its shape."""
    if schema is None or not schema.columns:
        return False
    if tensor.name in (schema.names or ()):
        return True
    return len(schema.columns) == 1 and (tensor.values.ndim == 1 or tensor.values.shape[1:] == (1,))


def _decode_cells(tensor: Tensor) -> None:
    """Make what BYTES hold into what a table holds: text, where they are no base64 that the content type says, in base64."""
    if tensor.values.dtype.kind != "O":
        return
    binary = tensor.parameters.get("content_type") == "base64"
    cells = [_cell(tensor.name, value, binary) for value in tensor.values.ravel().tolist()]
    flat = np.empty(len(cells), dtype=object)
    flat[:] = cells
    tensor.values = flat.reshape(tensor.values.shape)


def _cell(name: str, value: str | bytes, binary: bool) -> str:
    try:
        text = value.decode() if isinstance(value, bytes) else value
        if binary:
            base64.b64decode(text, validate=True)
    except UnicodeDecodeError as error:
        raise BadData(
            f"input {name!r} has an element that is not UTF-8: {error.reason} at byte {error.start}; send bytes as base64, "
            'with the parameter content_type "base64"'
        ) from error
    except (binascii.Error, ValueError) as error:
        raise BadData(f"input {name!r} has {shown(text)}: it must be base64 ({error})") from error
    return text


def _table(inputs: Sequence[Tensor], schema: Schema | None) -> Request:
    """Return a table with a column for each input; a tensor's cell is an entry of its first axis."""
    check_columns("the request", len(inputs))
    names = [tensor.name for tensor in inputs]
    nested = (
        {column.name: column for column in schema.columns if isinstance(column.type, dict)} if schema else {}
    )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadData(f"input {twice!r} is there twice: each must have a name of its own")
    columns = []
    for tensor in inputs:
        values = tensor.values
        if values.shape[0] != inputs[0].values.shape[0]:
            raise BadData(
                f"input {tensor.name!r} has {values.shape[0]} rows, input {inputs[0].name!r} has {inputs[0].values.shape[0]}: "
                "columns must be of equal length"
            )
        if tensor.name in nested:
            columns.append(_nested(tensor, nested[tensor.name]))
            continue
        columns.append(values.reshape(len(values)) if values.shape[1:] == (1,) else values)
    if all(
        column.ndim == 1 and column.dtype == columns[0].dtype and column.dtype.kind in "biuf"
        for column in columns
    ):
        table = np.empty((len(columns[0]), len(columns)), columns[0].dtype)
        for index, column in enumerate(columns):
            table[:, index] = column
        return Request("ndarray", table, names, fields=FIELDS)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return Request("ndarray", [list(row) for row in rows], names, fields=FIELDS)


def _nested(tensor: Tensor, column: Column) -> np.ndarray:
    """Return the input for a column of arrays: one of each row, which are of one length."""
    kind = column.type["type"] if isinstance(column.type, dict) else ""
    if kind != "array" or tensor.values.ndim < 2:
        wanted = f"{'an' if kind in ('array', 'object') else 'a'} {kind}"
        raise BadData(
            f"input {tensor.name!r} has the shape {list(tensor.values.shape)}: the column {tensor.name!r} has {wanted} in each row"
            f"{', so it must be [rows, length]' if kind == 'array' else ', which the protocol has no datatype for'}; {ELSEWHERE}"
        )
    return tensor.values


def outputs(inference: Inference, answer: Answer) -> list[tuple[Tensor, bool]]:
    """Return the outputs of an answer that the client asked for, in its order, and whether each is to come as raw bytes.

    Raises:
        BadData: there is no output of a name that it asked for.
    """
    found = {tensor.name: tensor for tensor in _tensors(answer)}
    if not inference.outputs:
        return [(tensor, inference.binary) for tensor in found.values()]
    chosen = []
    for output in inference.outputs:
        if output.name not in found:
            raise BadData(
                f"there is no output {output.name!r}: the model's are {', '.join(map(repr, found))}"
            )
        binary = inference.binary if output.binary is None else output.binary
        chosen.append((found[output.name], binary))
    return chosen


def _tensors(answer: Answer) -> list[Tensor]:
    values = answer.values
    if isinstance(values, ColumnarTable):
        return [
            Tensor(name, representable(_array(column)).reshape(-1, 1))
            for name, column in zip(_distinct(answer.names, values.width), values.columns, strict=True)
        ]
    if isinstance(values, np.ndarray) and answer.own and values.ndim == 2:
        return [
            Tensor(name, representable(values[:, [index]]))
            for index, name in enumerate(_distinct(answer.names, values.shape[1]))
        ]
    if isinstance(values, np.ndarray):
        array = representable(values)
        return [Tensor(OUTPUT, array.reshape(-1, 1) if array.ndim < 2 else array, {"content_type": ARRAY})]
    if (
        isinstance(values, list)
        and values
        and all(isinstance(row, list) for row in values)
        and _is_table(values)
    ):
        if not answer.own and {type(cell) for row in values for cell in row} == {str}:
            return [
                Tensor(OUTPUT, _array(list(itertools.chain.from_iterable(values))).reshape(len(values), -1))
            ]
        columns = [list(column) for column in zip(*values, strict=True)]
        return [
            Tensor(name, _array(column).reshape(-1, 1))
            for name, column in zip(_distinct(answer.names, len(columns)), columns, strict=True)
        ]
    if isinstance(values, list):
        return [Tensor(OUTPUT, _array(values).reshape(-1, 1))]
    if isinstance(values, bytes):
        text = base64.b64encode(values).decode()
        return [Tensor(OUTPUT, _array([text]).reshape(1, 1), {"content_type": "base64"})]
    if isinstance(values, dict) and values:
        return [Tensor(str(name), _of_value(value)) for name, value in values.items()]
    text = values if isinstance(values, str) else json.dumps(values)
    return [Tensor(OUTPUT, _array([text]).reshape(1, 1), {"content_type": "str"})]


def _of_value(value: Any) -> np.ndarray:
    """Return an entry of a dict as a tensor: an array where it is one, or a list of one type, else its JSON."""
    if isinstance(value, list) and value:
        if isinstance(value[0], list):
            try:
                array = np.array(value)
            except ValueError:
                return _array([value]).reshape(1, 1)
            return array if array.dtype.kind in "biuf" else _array(value).reshape(-1, 1)
        return _array(value).reshape(-1, 1)
    return _array([value]).reshape(1, 1)


def _is_table(rows: list[Any]) -> bool:
    return len({len(row) for row in rows}) == 1 and bool(rows[0])


def _distinct(names: list[str], count: int) -> list[str]:
    """Return names for columns, of which no two may be the same."""
    return names if len(set(names)) == count else [f"output-{number}" for number in range(1, count + 1)]


def _array(column: Any) -> np.ndarray:
    """Return a column as an array: of numbers or booleans where it has nothing else, else of objects."""
    if isinstance(column, np.ndarray):
        return column
    kinds = set(map(type, column))
    if kinds <= {int, float} or kinds == {bool}:
        array = np.array(column)
        if array.dtype.kind in "biuf":
            return array
    flat = np.empty(len(column), dtype=object)
    flat[:] = [cell if isinstance(cell, str | bytes) or cell is None else json.dumps(cell) for cell in column]
    return flat
