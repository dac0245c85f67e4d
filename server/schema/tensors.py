"""A request as the tensors of a signature.

Source: https://mlflow.org/docs/latest/ml/model/signatures/#tensor-based-signatures
"""

from __future__ import annotations

from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Schema, Tensor
from server.schema.columns import order, unnamed
from server.schema.request import Request

# Kinds of dtype whose values JSON has: numbers and booleans as they are, text and objects as objects.
NUMERIC, OBJECTS = "biuf", "OU"
GAPPED = {int, float, type(None)}


def by_name(request: Request, inputs: Schema) -> dict[str | None, np.ndarray]:
    """Return the signature's tensors by their names, None being that of a tensor without one.

    A request has a column for each tensor, or, where there is but one, its values as they are. A cell of a
    column is one entry of the tensor's first axis, in its shape or as a flat list. Text is of kind U, objects of
    kind O.

    Raises:
        BadData: tensors are missing or unknown, or values are not of their shape or dtype.
    """
    if len(inputs.tensors) == 1 and (request.names is None or request.names != inputs.names):
        return {inputs.tensors[0].name: _whole(request, inputs.tensors[0])}
    if request.names is None:
        raise unnamed(request, inputs)
    return {
        inputs.tensors[index].name: _column(request, position, inputs.tensors[index])
        for index, position in order(request, inputs, complete=True)
    }


def _whole(request: Request, tensor: Tensor) -> np.ndarray:
    values = request.values if isinstance(request.values, np.ndarray) else _objects(request.values)
    if len(tensor.shape) == 1 and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]  # A table of one column is a list of values.
    _check_shape(request.values_field, values.shape, tensor)
    return _cast(request.values_field, values, tensor)


def _column(request: Request, position: int, tensor: Tensor) -> np.ndarray:
    label = f"tensor {tensor.name!r}"
    if isinstance(request.values, np.ndarray):
        values = request.values[:, position]
    else:
        values = _objects([row[position] for row in request.values])
    shape = (len(values), *tensor.shape[1:])
    if -1 not in shape and values.size == np.prod(shape):
        values = values.reshape(shape)
    _check_shape(label, values.shape, tensor)
    return _cast(label, values, tensor)


def _objects(values: list[Any]) -> np.ndarray:
    """Return nested lists as an array: of numbers if they are all numbers, else of the objects they hold."""
    array = np.array(values, dtype=object)
    types = set(map(type, array.ravel()))
    if types <= {int, float} or types == {bool}:
        return np.array(values)
    return array


def _check_shape(label: str, shape: tuple[int, ...], tensor: Tensor) -> None:
    fits = len(shape) == len(tensor.shape) and all(
        want in (-1, have) for want, have in zip(tensor.shape, shape, strict=True)
    )
    if not fits:
        raise BadData(
            f"{label} has the shape {list(shape)}: the model's signature says {list(tensor.shape)}, "
            "-1 being any length"
        )


def _cast(label: str, values: np.ndarray, tensor: Tensor) -> np.ndarray:
    dtype = np.dtype(tensor.dtype)
    if dtype.kind not in NUMERIC + OBJECTS:
        raise BadData(
            f"{label} cannot be sent: JSON has no form for the {tensor.dtype} of the model's signature"
        )
    if dtype.kind == "f" and values.dtype.kind == "O" and set(map(type, values.ravel())) <= GAPPED:
        values = values.astype(np.float64)  # None becomes NaN, as in a column of doubles.
    if dtype.kind == "O":
        return values.astype(object)
    if dtype.kind == "U":
        if not all(isinstance(value, str) for value in values.ravel()):
            raise BadData(
                f"{label} must have strings and nothing else: the model's signature says {tensor.dtype}"
            )
        return values.astype(str)
    if values.dtype.kind not in NUMERIC or (values.dtype.kind == "b") != (dtype.kind == "b"):
        rule = "true or false" if dtype.kind == "b" else "numbers"
        raise BadData(f"{label} must have {rule} and nothing else: the model's signature says {tensor.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        converted = values.astype(dtype)
    if dtype.kind == "f":
        lost = np.isfinite(values) & ~np.isfinite(converted)
    else:
        lost = converted != values
        if values.dtype.kind == "f":
            # A double cannot tell the largest integers apart: what is beyond the range is compared before the cast, and the
            # double -2**63 is what every integer a little below it becomes, too.
            lost |= (values >= 2.0 ** (8 * dtype.itemsize - (dtype.kind == "i"))) | (values <= -(2.0**63))
    if bool(lost.any()):
        raise BadData(
            f"{label} has {values[lost][0]}, which is no {tensor.dtype}: the model's signature wants that"
        )
    return converted
