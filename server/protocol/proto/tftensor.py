"""tensorflow.TensorProto, the form of data.tftensor, to arrays and back.

Source: https://github.com/tensorflow/tensorflow/blob/v2.17.0/tensorflow/python/framework/tensor_util.py
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from server.errors import BadData
from server.protocol.proto.messages import DataType, TensorProto
from server.schema.json_arrays import DIMENSIONS

# A value may stand for all that are left out: this many bytes at most, which is what a message may have by default.
LARGEST_FILLED = 64 * 1024 * 1024
# The numpy type of each that numpy has, and the field that its values stand in when they are not in tensor_content.
_TYPES = {
    DataType.DT_FLOAT: ("<f4", "float_val"),
    DataType.DT_DOUBLE: ("<f8", "double_val"),
    DataType.DT_INT32: ("<i4", "int_val"),
    DataType.DT_UINT8: ("|u1", "int_val"),
    DataType.DT_INT16: ("<i2", "int_val"),
    DataType.DT_INT8: ("|i1", "int_val"),
    DataType.DT_INT64: ("<i8", "int64_val"),
    DataType.DT_BOOL: ("|b1", "bool_val"),
    DataType.DT_UINT16: ("<u2", "int_val"),
    DataType.DT_HALF: ("<f2", "half_val"),
    DataType.DT_UINT32: ("<u4", "uint32_val"),
    DataType.DT_UINT64: ("<u8", "uint64_val"),
}
_NUMBERS = {dtype: number for number, (dtype, _) in _TYPES.items()}
_WHAT = "data.tftensor"


def decode(tensor: TensorProto) -> Any:
    """Return the tensor as an array of its own type, strings as the lists that they are.

    Raises:
        BadData: no model can take its type, or its shape and values do not fit.
    """
    shape = _shape(tensor)
    if tensor.dtype == DataType.DT_STRING:
        return _strings(tensor, shape)
    if tensor.dtype not in _TYPES:
        known = ", ".join(DataType.Name(number) for number in (*_TYPES, DataType.DT_STRING))
        raise BadData(f"{_WHAT}.dtype is {_name(tensor.dtype)}: it must be one of {known}")
    dtype, where = _TYPES[tensor.dtype]
    size = math.prod(shape)
    if tensor.tensor_content:
        wanted, given = size * np.dtype(dtype).itemsize, len(tensor.tensor_content)
        if wanted != given:
            raise BadData(
                f"{_WHAT} has the shape {shape} of {_name(tensor.dtype)}, which is {wanted} bytes: tensor_content has {given}"
            )
        return np.frombuffer(tensor.tensor_content, dtype).reshape(shape)
    values = np.asarray(getattr(tensor, where))
    _check_size(shape, values.size, where, size * np.dtype(dtype).itemsize)
    if tensor.dtype == DataType.DT_HALF:
        values = values.astype(np.uint16).view(np.float16)
    return np.pad(values, (0, size - values.size), "edge").astype(dtype).reshape(shape)


def encode(array: np.ndarray) -> TensorProto:
    """Return an array of numbers as a tensor of its own type, or as doubles where there is no such type."""
    dtype = array.dtype.newbyteorder("<").str
    if dtype not in _NUMBERS:
        dtype = "<f8"
    content = np.ascontiguousarray(array, dtype=dtype).tobytes()
    tensor = TensorProto(dtype=_NUMBERS[dtype], tensor_content=content)
    for length in array.shape:
        tensor.tensor_shape.dim.add(size=length)
    return tensor


def _shape(tensor: TensorProto) -> list[int]:
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or any(length < 0 for length in shape):
        raise BadData(f"{_WHAT}.tensor_shape is not known: it must have the length of every dimension")
    if len(shape) > DIMENSIONS:
        raise BadData(f"{_WHAT}.tensor_shape has {len(shape)} dimensions: it must have {DIMENSIONS} or fewer")
    if 0 in shape:
        raise BadData(f"{_WHAT} has no values: send at least one row")
    return shape


def _strings(tensor: TensorProto, shape: list[int]) -> Any:
    size = math.prod(shape)
    if len(tensor.string_val) != size:
        raise BadData(
            f"{_WHAT} has the shape {shape}, which is {size} values: string_val has {len(tensor.string_val)}"
        )
    try:
        texts = [value.decode() for value in tensor.string_val]
    except UnicodeDecodeError as error:
        raise BadData(f"{_WHAT}.string_val has bytes that are no UTF-8: {error}") from error
    return np.array(texts, dtype=object).reshape(shape).tolist()


def _check_size(shape: list[int], given: int, where: str, filled: int) -> None:
    size = math.prod(shape)
    if given > size or given == 0:
        raise BadData(f"{_WHAT} has the shape {shape}, which is {size} values: {where} has {given}")
    if given < size and filled > LARGEST_FILLED:
        raise BadData(
            f"{_WHAT} has the shape {shape}, which is {filled} bytes, and {where} leaves values out: "
            f"that is allowed up to {LARGEST_FILLED} bytes"
        )


def _name(number: int) -> str:
    return DataType.Name(number) if number in DataType.values() else str(number)
