"""data.ndarray: what is read from and written to a ListValue's bytes is what its message objects say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from google.protobuf.struct_pb2 import ListValue
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.protocol.proto.list_value import decode, encode, plain


def message(values):
    result = ListValue()
    result.extend(values)
    return result


DTYPES = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", "<i4", "|u1", "|b1"])


@given(hnp.arrays(DTYPES, hnp.array_shapes(max_dims=4, min_side=0, max_side=5)))
def test_an_array_is_written_as_its_numbers_and_read_again(array):
    body = encode(array)
    assert body == message(array.tolist()).SerializeToString()
    again = np.array(decode(ListValue.FromString(body)), dtype=np.float64)
    if array.size:
        np.testing.assert_array_equal(again, array.astype(np.float64))


CELLS = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3)
VALUES = st.recursive(
    CELLS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=4))
def test_anything_else_is_read_as_the_lists_that_it_is(values):
    read = decode(message(values))
    if isinstance(read, np.ndarray):
        assert read.dtype == np.float64
        read = read.tolist()
    # JSON tells 1.0 from true; the keys of an object come in any order.
    assert json.dumps(read, sort_keys=True) == json.dumps(values, sort_keys=True)
    assert ListValue.FromString(encode(values)) == message(values)


@given(st.lists(st.lists(st.floats(allow_nan=False), min_size=3, max_size=3), min_size=1, max_size=40))
def test_equal_rows_of_numbers_are_an_array(rows):
    read = decode(message(rows))
    assert isinstance(read, np.ndarray)
    np.testing.assert_array_equal(read, rows)


def test_nan_and_infinity_are_numbers():
    read = decode(message([[math.nan, math.inf]]))
    assert isinstance(read, np.ndarray)
    assert math.isnan(read[0, 0])


@pytest.mark.parametrize(
    "rows",
    [[[1.0, 2.0], [3.0]], [[1.0], 2.0], [1.0, [2.0]], [[1.0], ["a"]], [[1.0, 2.0], [True, 3.0]], [[]], []],
    ids=str,
)
def test_no_table_of_numbers_is_no_array(rows):
    assert decode(message(rows)) == rows


def test_fields_that_the_definition_does_not_know_do_not_move_the_numbers():
    unknown = b"\x9a\x06\x01x"  # field 99
    read = decode(ListValue.FromString(encode(np.array([[1.0, 2.0]])) + unknown))
    assert np.array(read).tolist() == [[1.0, 2.0]]


def test_a_value_that_says_nothing_is_null():
    assert [plain(value) for value in ListValue.FromString(b"\x0a\x00").values] == [None]
