"""data.tftensor to arrays and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.errors import BadData
from server.protocol.proto.tensor_pb2 import DataType, TensorProto, TensorShapeProto
from server.protocol.proto.tftensor import decode, encode

DTYPES = ["<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8"]


def shape(*lengths):
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=length) for length in lengths])


@given(hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(max_dims=4)))
def test_an_array_comes_back_with_its_type(array):
    again = decode(TensorProto.FromString(encode(array).SerializeToString()))
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_big_endian_and_long_doubles_become_what_tensorflow_has():
    assert decode(encode(np.array([1, 2], ">i4"))).tolist() == [1, 2]
    assert decode(encode(np.array([1, 2], np.longdouble))).dtype == np.float64


VALUES = {
    "half": (DataType.DT_HALF, "half_val", [0x3C00, 0xC000], np.float16, [1.0, -2.0]),
    "float": (DataType.DT_FLOAT, "float_val", [1.5, 2.0], np.float32, [1.5, 2.0]),
    "double": (DataType.DT_DOUBLE, "double_val", [0.1, 2.0], np.float64, [0.1, 2.0]),
    "int8": (DataType.DT_INT8, "int_val", [1, -2], np.int8, [1, -2]),
    "uint16": (DataType.DT_UINT16, "int_val", [1, 65535], np.uint16, [1, 65535]),
    "int64": (DataType.DT_INT64, "int64_val", [1, -(2**62)], np.int64, [1, -(2**62)]),
    "uint32": (DataType.DT_UINT32, "uint32_val", [1, 2**31], np.uint32, [1, 2**31]),
    "uint64": (DataType.DT_UINT64, "uint64_val", [1, 2**63], np.uint64, [1, 2**63]),
    "bool": (DataType.DT_BOOL, "bool_val", [True, False], np.bool_, [True, False]),
}


@pytest.mark.parametrize(("number", "field", "sent", "dtype", "values"), VALUES.values(), ids=VALUES)
def test_values_in_the_field_of_their_type(number, field, sent, dtype, values):
    array = decode(TensorProto(dtype=number, tensor_shape=shape(2, 1), **{field: sent}))
    assert array.dtype == dtype
    assert array.tolist() == [[value] for value in values]


def test_the_last_value_stands_for_those_left_out():
    tensor = TensorProto(dtype=DataType.DT_FLOAT, tensor_shape=shape(2, 2), float_val=[1, 5])
    assert decode(tensor).tolist() == [[1, 5], [5, 5]]


def test_strings_are_lists():
    tensor = TensorProto(dtype=DataType.DT_STRING, tensor_shape=shape(1, 2), string_val=[b"a", "é".encode()])
    assert decode(tensor) == [["a", "é"]]


REFUSED = {
    "type": (
        {"dtype": DataType.DT_BFLOAT16, "tensor_shape": shape(1)},
        "data.tftensor.dtype is DT_BFLOAT16: it must be one of DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_INT16, "
        "DT_INT8, DT_INT64, DT_BOOL, DT_UINT16, DT_HALF, DT_UINT32, DT_UINT64, DT_STRING",
    ),
    "unknown-rank": (
        {"dtype": DataType.DT_FLOAT, "tensor_shape": TensorShapeProto(unknown_rank=True)},
        "data.tftensor.tensor_shape is not known: it must have the length of every dimension",
    ),
    "unknown-length": (
        {"dtype": DataType.DT_FLOAT, "tensor_shape": shape(-1, 2), "float_val": [1]},
        "data.tftensor.tensor_shape is not known: it must have the length of every dimension",
    ),
    "too-many-dimensions": (
        {"dtype": DataType.DT_FLOAT, "tensor_shape": shape(*[1] * 65), "float_val": [1]},
        "data.tftensor.tensor_shape has 65 dimensions: it must have 64 or fewer",
    ),
    "no-rows": (
        {"dtype": DataType.DT_FLOAT, "tensor_shape": shape(0, 2)},
        "data.tftensor has no values: send at least one row",
    ),
    "content": (
        {"dtype": DataType.DT_DOUBLE, "tensor_shape": shape(2), "tensor_content": b"12345678"},
        "data.tftensor has the shape [2] of DT_DOUBLE, which is 16 bytes: tensor_content has 8",
    ),
    "no-values": (
        {"dtype": DataType.DT_INT32, "tensor_shape": shape(2), "float_val": [1, 2]},
        "data.tftensor has the shape [2], which is 2 values: int_val has 0",
    ),
    "too-many-values": (
        {"dtype": DataType.DT_INT32, "tensor_shape": shape(2), "int_val": [1, 2, 3]},
        "data.tftensor has the shape [2], which is 2 values: int_val has 3",
    ),
    "too-much-left-out": (
        {"dtype": DataType.DT_DOUBLE, "tensor_shape": shape(10**9, 10**9), "double_val": [1]},
        "data.tftensor has the shape [1000000000, 1000000000], which is 8000000000000000000 bytes, and double_val "
        "leaves values out: that is allowed up to 67108864 bytes",
    ),
    "strings": (
        {"dtype": DataType.DT_STRING, "tensor_shape": shape(2), "string_val": [b"a"]},
        "data.tftensor has the shape [2], which is 2 values: string_val has 1",
    ),
    "not-utf8": (
        {"dtype": DataType.DT_STRING, "tensor_shape": shape(1), "string_val": [b"\xff"]},
        "data.tftensor.string_val has bytes that are no UTF-8: 'utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte",
    ),
}


@pytest.mark.parametrize(("fields", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(fields, message):
    with pytest.raises(BadData) as caught:
        decode(TensorProto(**fields))
    assert str(caught.value) == message
