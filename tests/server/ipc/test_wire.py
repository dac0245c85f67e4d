"""Frames between the server and the model's process."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.ipc import wire
from server.ipc.columnar_table import ColumnarTable


def through(*values, **header):
    """Return header and values after a trip over the wire."""
    frame = b"".join(bytes(buffer) for buffer in wire.pack(header, list(values)))
    header_size, body_size = wire.PREFIX.unpack(frame[: wire.PREFIX.size])
    assert wire.PREFIX.size + header_size + body_size == len(frame)
    text = frame[wire.PREFIX.size : wire.PREFIX.size + header_size]
    received = json.loads(text)
    return received, wire.unpack(received, frame[wire.PREFIX.size + header_size :])


DTYPES = st.sampled_from(
    ["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "<i2", "|i1", "<u8", "|u1", "|b1", "<M8[ns]", "<m8[s]"]
)


@given(hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
def test_arrays_come_through_bit_by_bit(array):
    _, (received,) = through(array)
    assert received.shape == array.shape
    assert received.dtype == array.dtype.newbyteorder("<")
    assert received.tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()


@given(st.lists(st.binary() | st.text() | st.dictionaries(st.text(), st.integers()), max_size=4))
def test_values_of_several_kinds_share_a_frame(values):
    header, received = through(*values, id=7)
    assert header["id"] == 7
    assert received == values


def test_an_array_that_is_not_contiguous_is_sent_in_c_order():
    array = np.arange(6.0).reshape(2, 3).T
    np.testing.assert_array_equal(through(array)[1][0], array)


def test_strings_and_objects_are_sent_as_json():
    rows = np.array([["a", 1, None, np.float64(2.5), math.nan]], dtype=object)
    (received,) = through(rows)[1]
    assert received[0][:4] == ["a", 1, None, 2.5]
    assert math.isnan(received[0][4])
    assert through(np.array(["x", "y"]))[1] == [["x", "y"]]


def test_numpy_values_inside_a_dict_are_sent_as_numbers():
    value = {"scores": np.array([1.5]), "label": np.int64(3), "day": np.datetime64("2026-01-31")}
    assert through(value)[1] == [{"scores": [1.5], "label": 3, "day": "2026-01-31"}]


def test_a_table_of_unlike_columns_comes_through_column_by_column():
    table = ColumnarTable([np.array([2**53 + 1, 1]), np.array([True, False]), ["a", None]])
    _, (received, after) = through(table, "text")
    assert after == "text"
    assert [getattr(column, "dtype", None) for column in received.columns] == [np.int64, np.bool_, None]
    assert received.tolist() == [[2**53 + 1, True, "a"], [1, False, None]]
    assert received[1:].tolist() == [[1, False, None]]


def test_keys_of_a_dict_become_what_json_has_for_them():
    value = {np.int64(1): {np.bool_(True): [{np.datetime64("2026-01-31"): b"\xff"}]}}
    assert through(value)[1] == [{"1": {"true": [{"2026-01-31": "/w=="}]}}]


def test_what_has_no_form_in_json_is_a_type_error():
    with pytest.raises(TypeError, match="a complex has no form in JSON"):
        through({"z": 1j})
    with pytest.raises(TypeError, match=r"the key \(1, 2\) of a dict has no form in JSON: it must be text"):
        through({(1, 2): 1})
