"""A Request to the argument of the model's method."""

from __future__ import annotations

import numpy as np
import pytest

from server.errors import BadData
from server.mlmodel import Column, Schema, Tensor
from server.protocol.arguments import arguments
from server.protocol.decode import decode
from server.protocol.json_data import tabled
from server.protocol.message import Request

DOUBLES = Schema(columns=(Column("a", "double"), Column("b", "double")))
MIXED = Schema(
    columns=(
        Column("name", "string"),
        Column("age", "long"),
        Column("member", "boolean"),
        Column("since", "datetime", required=False),
    )
)
IMAGE = Schema(tensors=(Tensor(None, "float32", (-1, 2, 2)),))


def request(values, names=None):
    return Request("ndarray", values, names)


def test_columns_are_put_into_the_signatures_order():
    sent = request(np.array([[1.0, 2.0]]), ["b", "a"])
    frame = arguments(sent, DOUBLES, "DataFrame")
    assert (frame.form, frame.names, frame.columnar) == ("frame", ["a", "b"], False)
    np.testing.assert_array_equal(frame.values[0], [[2.0, 1.0]])
    array = arguments(sent, DOUBLES, "ndarray")
    assert (array.form, array.names) == ("array", None)
    np.testing.assert_array_equal(array.values[0], [[2.0, 1.0]])


def test_whole_numbers_are_taken_for_doubles_and_whole_doubles_for_longs():
    assert arguments(request(np.array([[1, 2]])), DOUBLES, "ndarray").values[0].dtype == np.float64
    longs = Schema(columns=(Column("a", "long"), Column("b", "long")))
    array = arguments(request(np.array([[1.0, 2.0]])), longs, "ndarray").values[0]
    assert array.dtype == np.int64


def test_a_null_in_a_column_of_doubles_is_nan():
    frame = arguments(request([[1, None], [2, 3]], ["a", "b"]), DOUBLES, "DataFrame")
    np.testing.assert_array_equal(frame.values[1], [np.nan, 3.0])


def test_mixed_columns_each_get_their_type():
    rows = [["Ann", 41, True, "2026-01-31"], [None, 42.0, False, None]]
    frame = arguments(request(rows, ["name", "age", "member", "since"]), MIXED, "DataFrame")
    assert frame.columnar
    assert frame.values[0] == ["Ann", None]
    assert frame.values[1].dtype == np.int64
    assert frame.values[2].dtype == np.bool_
    assert frame.values[3].dtype == np.dtype("datetime64[ns]")
    assert np.isnat(frame.values[3][1])


def test_an_optional_column_may_be_missing_from_a_frame_but_not_from_an_array():
    sent = request([["Ann", 41, True]], ["name", "age", "member"])
    assert arguments(sent, MIXED, "DataFrame").names == ["name", "age", "member"]
    with pytest.raises(BadData, match=r"data\.names lacks 'since'"):
        arguments(sent, MIXED, "ndarray")


def test_without_names_an_array_is_taken_in_the_signatures_order():
    np.testing.assert_array_equal(
        arguments(request(np.array([[1.0, 2.0]])), DOUBLES, "ndarray").values[0], [[1.0, 2.0]]
    )


def test_without_a_signature_names_and_values_go_as_they_are():
    frame = arguments(request(np.array([[1, 2]]), ["x", "y"]), None, "DataFrame")
    assert frame.names == ["x", "y"]
    mixed = arguments(request([["a", 1], ["b", 2]]), None, "DataFrame")
    assert mixed.columnar
    assert mixed.values[0] == ["a", "b"]
    np.testing.assert_array_equal(mixed.values[1], [1, 2])
    assert arguments(request([["a", 1]]), None, "ndarray").values[0] == [["a", 1]]


def test_without_a_signature_a_column_of_a_frame_has_the_type_that_json_gave_it():
    for message in (
        {"data": {"names": ["x", "y"], "ndarray": [[1, 2.5], [3, 4]]}},
        {"jsonData": {"dataframe_split": {"columns": ["x", "y"], "data": [[1, 2.5], [3, 4]]}}},
        {"jsonData": {"dataframe_records": [{"x": 1, "y": 2.5}, {"x": 3, "y": 4}]}},
    ):
        sent = tabled(decode(message))
        frame = arguments(sent, None, "DataFrame")
        assert [column.dtype.str for column in frame.values] == ["<i8", "<f8"]
        assert [column.tolist() for column in frame.values] == [[1, 3], [2.5, 4]]
        (array,) = arguments(sent, None, "ndarray").values
        assert array.dtype == np.float64


def test_a_tensor_is_checked_for_its_shape_and_cast():
    values = np.arange(8.0).reshape(2, 2, 2)
    array = arguments(request(values), IMAGE, "ndarray").values[0]
    assert array.dtype == np.float32
    assert array.shape == (2, 2, 2)


COLUMNS = "the model's signature has the columns 'a', 'b'"


REFUSED = {
    "names-missing": (
        request(np.array([[1.0, 2.0]])),
        DOUBLES,
        "DataFrame",
        f"data.names is missing: {COLUMNS}",
    ),
    "name-unknown": (
        request(np.array([[1.0, 2.0]]), ["a", "c"]),
        DOUBLES,
        "DataFrame",
        f"data.names lacks 'b' and has unknown 'c': {COLUMNS}",
    ),
    "name-extra": (
        request(np.array([[1.0, 2.0, 3.0]]), ["a", "b", "c"]),
        DOUBLES,
        "ndarray",
        f"data.names has unknown 'c': {COLUMNS}",
    ),
    "name-twice": (
        request(np.array([[1.0, 2.0]]), ["a", "a"]),
        DOUBLES,
        "DataFrame",
        "data.names has 'a' more than once: every column must have its own name",
    ),
    "names-miscounted": (
        request(np.array([[1.0, 2.0, 3.0]]), ["a", "b"]),
        DOUBLES,
        "DataFrame",
        "data.names has 2 names, the rows have 3 values: there must be a name a column",
    ),
    "names-miscounted-no-signature": (
        request(np.array([[1.0, 2.0, 3.0]]), ["a", "b"]),
        None,
        "DataFrame",
        "data.names has 2 names, the rows have 3 values: there must be a name a column",
    ),
    "columns-too-many": (
        request(np.array([[1.0, 2.0, 3.0]])),
        DOUBLES,
        "ndarray",
        "data has 3 columns: the model's signature has 2 ('a', 'b')",
    ),
    "one-row": (
        request(np.array([1.0, 2.0])),
        DOUBLES,
        "ndarray",
        "data.ndarray has the shape [2]: it must be a table of rows and columns, [[…], …]",
    ),
    "string-for-number": (
        request([[1, 2], ["three", 4]]),
        DOUBLES,
        "ndarray",
        "column 'a', row 1: \"three\" must be a number, the model's signature says double",
    ),
    "boolean-for-number": (
        request(np.array([[True, False]])),
        DOUBLES,
        "ndarray",
        "column 'a', row 0: true must be a number, the model's signature says double",
    ),
    "part-for-whole": (
        request([["Ann", 1.5, True, None]], ["name", "age", "member", "since"]),
        MIXED,
        "DataFrame",
        "column 'age', row 0: 1.5 must be a whole number, the model's signature says long",
    ),
    "null-for-long": (
        request([["Ann", None, True, None]], ["name", "age", "member", "since"]),
        MIXED,
        "DataFrame",
        "column 'age', row 0: null must be a number, the model's signature says long",
    ),
    "number-for-boolean": (
        request([["Ann", 1, 1, None]], ["name", "age", "member", "since"]),
        MIXED,
        "DataFrame",
        "column 'member', row 0: 1 must be true or false, the model's signature says boolean",
    ),
    "number-for-string": (
        request([[1, 1, True, None]], ["name", "age", "member", "since"]),
        MIXED,
        "DataFrame",
        "column 'name', row 0: 1 must be a string, the model's signature says string",
    ),
    "no-time": (
        request([["Ann", 1, True, "soon"]], ["name", "age", "member", "since"]),
        MIXED,
        "DataFrame",
        "column 'since', row 0: \"soon\" must be a time such as 2026-01-31T12:00:00, without a zone, "
        "the model's signature says datetime",
    ),
    "integer-too-large": (
        request(np.array([[2**40]])),
        Schema(columns=(Column(None, "integer"),)),
        "ndarray",
        "column 0, row 0: 1099511627776 must be from -2147483648 to 2147483647, "
        "the model's signature says integer",
    ),
    "tensor-shape": (
        request(np.zeros((1, 3, 2))),
        IMAGE,
        "ndarray",
        "data.ndarray has the shape [1, 3, 2]: the model's signature says [-1, 2, 2], -1 being any length",
    ),
    "tensor-part-for-whole": (
        request(np.array([[1.5]])),
        Schema(tensors=(Tensor(None, "int64", (-1, 1)),)),
        "ndarray",
        "data.ndarray has 1.5, which is no int64: the model's signature wants that",
    ),
    "tensor-strings": (
        request([[["a", 1], [2, 3]]]),
        IMAGE,
        "ndarray",
        "data.ndarray must have numbers and nothing else: the model's signature says float32",
    ),
    "two-tensors": (
        request(np.array([[1.0]])),
        Schema(tensors=(Tensor("x", "float32", (-1,)), Tensor("y", "float32", (-1,)))),
        "ndarray",
        "data.names is missing: the model's signature has the tensors 'x', 'y'",
    ),
}


@pytest.mark.parametrize(("sent", "inputs", "xtype", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_signature_is_refused(sent, inputs, xtype, message):
    with pytest.raises(BadData) as caught:
        arguments(sent, inputs, xtype)
    assert str(caught.value) == message
