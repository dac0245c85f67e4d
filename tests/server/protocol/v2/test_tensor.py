"""Tensors of the Open Inference Protocol: what comes in is what was sent, and nothing else comes in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from server.errors import BadData
from server.protocol.v2.tensor import DTYPES, from_bytes, from_json, representable, to_bytes

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def tensors(kind: str) -> st.SearchStrategy[np.ndarray]:
    return SHAPES.flatmap(lambda shape: arrays.arrays(np.dtype(kind), shape))


@given(datatype=st.sampled_from(sorted(DTYPES)), data=st.data())
def test_raw_bytes_are_read_back(datatype, data):
    values = data.draw(tensors(DTYPES[datatype]))
    read = from_bytes("x", datatype, list(values.shape), to_bytes(values))
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)


@given(datatype=st.sampled_from(sorted(set(DTYPES) - {"FP16"})), nested=st.booleans(), data=st.data())
def test_json_is_read_back_flat_or_nested(datatype, nested, data):
    values = data.draw(tensors(DTYPES[datatype]))
    listed = (values if nested else values.ravel()).tolist()
    read = from_json("x", datatype, list(values.shape), listed)
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)


@given(values=st.lists(st.binary(max_size=20), min_size=1, max_size=6))
def test_elements_of_bytes_are_read_back(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    assert from_bytes("x", "BYTES", [len(values)], to_bytes(array)).tolist() == values


@given(
    content=st.binary(max_size=64),
    datatype=st.sampled_from([*DTYPES, "BYTES"]),
    lengths=st.lists(st.integers(0, 9)),
)
def test_any_bytes_are_taken_or_refused(content, datatype, lengths):
    try:
        array = from_bytes("x", datatype, lengths, content)
    except BadData:
        return
    assert array.size == math.prod(lengths)


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=12,
    ),
    datatype=st.sampled_from([*DTYPES, "BYTES"]),
    lengths=st.lists(st.integers(0, 4), max_size=3),
)
def test_any_json_is_taken_or_refused(data, datatype, lengths):
    try:
        array = from_json("x", datatype, lengths, data)
    except BadData:
        return
    assert array.shape == tuple(lengths)


@pytest.mark.parametrize(
    ("datatype", "lengths", "data", "words"),
    [
        ("FP64", [2, 2], [1.0, 2.0, 3.0], "has 3 elements: its shape [2, 2] is one of 4"),
        ("FP64", [2, 2], [[1.0], [2.0, 3.0, 4.0]], "is nested otherwise than its shape [2, 2]"),
        ("FP64", [1], ["1"], 'has "1": FP64 must be numbers'),
        ("FP64", [1], [True], "has true: FP64 must be numbers"),
        ("INT8", [1], [300], "has a number that is no INT8: it must be from -128 to 127"),
        ("INT64", [1], [1.5], "has 1.5: INT64 must be whole numbers"),
        ("UINT8", [1], [-1], "has a number that is no UINT8: it must be from 0 to 255"),
        ("FP32", [1], [1e300], "has a number that is no FP32"),
        ("BOOL", [1], [1], "has 1: BOOL must be true or false"),
        ("BYTES", [1], [1], "has 1: BYTES must be strings in JSON"),
        ("BF16", [1], [1], "is BF16, which numpy does not have: send FP32"),
        ("FP65", [1], [1], "the datatype of input 'x' is \"FP65\": it must be one of BOOL, "),
        (None, [1], [1], "the datatype of input 'x' is null"),
        ("FP64", [], [1], "the shape of input 'x' is []: it must be a list of lengths, as in [2, 4]"),
        ("FP64", [-1], [1], "the shape of input 'x' is [-1]"),
        ("FP64", [10**9, 10**9], [1], "it may have 4194304; send fewer rows at a time"),
        ("FP64", [1], 1.0, "the data of input 'x' is 1.0: it must be a list"),
    ],
)
def test_what_is_wrong_is_named(datatype, lengths, data, words):
    with pytest.raises(BadData) as caught:
        from_json("x", datatype, lengths, data)
    assert words in str(caught.value)


def test_times_are_text():
    values = np.array(["2026-01-31T12:00:00", "NaT"], dtype="datetime64[ns]")
    assert representable(values).tolist() == ["2026-01-31T12:00:00", None]
