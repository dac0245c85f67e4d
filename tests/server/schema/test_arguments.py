"""A Request to the argument and the parameters of the model's method."""

from __future__ import annotations

import numpy as np
import pytest

from server.errors import BadData
from server.mlmodel.load_plan import ARRAY, FRAME
from server.mlmodel.signature import Column, Schema, Tensor
from server.protocol.json_codec import decode
from server.schema.arguments import arguments, parameters
from server.schema.json_data import tabled
from server.schema.request import Request

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
KNOWN = [
    {"name": "temperature", "type": "double", "default": 0.5, "shape": None},
    {"name": "top", "type": "long", "default": 3, "shape": None},
    {"name": "stop", "type": "string", "default": [], "shape": [-1]},
]


def request(values, names=None):
    return Request("ndarray", values, names)


def test_columns_are_put_into_the_signatures_order():
    sent = request(np.array([[1.0, 2.0]]), ["b", "a"])
    frame = arguments(sent, DOUBLES, FRAME)
    assert (frame.input_type, frame.names, frame.columnar) == ("frame", ["a", "b"], False)
    np.testing.assert_array_equal(frame.values[0], [[2.0, 1.0]])
    array = arguments(sent, DOUBLES, ARRAY)
    assert (array.input_type, array.names) == ("array", None)
    np.testing.assert_array_equal(array.values[0], [[2.0, 1.0]])


def test_whole_numbers_are_taken_for_doubles_and_whole_doubles_for_longs():
    assert arguments(request(np.array([[1, 2]])), DOUBLES, ARRAY).values[0].dtype == np.float64
    longs = Schema(columns=(Column("a", "long"), Column("b", "long")))
    array = arguments(request(np.array([[1.0, 2.0]])), longs, ARRAY).values[0]
    assert array.dtype == np.int64


def test_a_null_in_a_column_of_doubles_is_nan():
    frame = arguments(request([[1, None], [2, 3]], ["a", "b"]), DOUBLES, FRAME)
    np.testing.assert_array_equal(frame.values[1], [np.nan, 3.0])


def test_mixed_columns_each_get_their_type():
    rows = [["Ann", 41, True, "2026-01-31"], [None, 42.0, False, None]]
    frame = arguments(request(rows, ["name", "age", "member", "since"]), MIXED, FRAME)
    assert frame.columnar
    assert frame.values[0] == ["Ann", None]
    assert frame.values[1].dtype == np.int64
    assert frame.values[2].dtype == np.bool_
    assert frame.values[3].dtype == np.dtype("datetime64[ns]")
    assert np.isnat(frame.values[3][1])


def test_an_optional_column_may_be_missing_from_a_frame_but_not_from_an_array():
    sent = request([["Ann", 41, True]], ["name", "age", "member"])
    assert arguments(sent, MIXED, FRAME).names == ["name", "age", "member"]
    with pytest.raises(BadData, match=r"data\.names lacks 'since'"):
        arguments(sent, MIXED, ARRAY)


def test_without_names_an_array_is_taken_in_the_signatures_order():
    np.testing.assert_array_equal(
        arguments(request(np.array([[1.0, 2.0]])), DOUBLES, ARRAY).values[0], [[1.0, 2.0]]
    )


def test_without_a_signature_names_and_values_go_as_they_are():
    frame = arguments(request(np.array([[1, 2]]), ["x", "y"]), None, FRAME)
    assert frame.names == ["x", "y"]
    mixed = arguments(request([["a", 1], ["b", 2]]), None, FRAME)
    assert mixed.columnar
    assert mixed.values[0] == ["a", "b"]
    np.testing.assert_array_equal(mixed.values[1], [1, 2])
    assert arguments(request([["a", 1]]), None, ARRAY).values[0] == [["a", 1]]


def test_without_a_signature_a_column_of_a_frame_has_the_type_that_json_gave_it():
    for message in (
        {"data": {"names": ["x", "y"], "ndarray": [[1, 2.5], [3, 4]]}},
        {"jsonData": {"dataframe_split": {"columns": ["x", "y"], "data": [[1, 2.5], [3, 4]]}}},
        {"jsonData": {"dataframe_records": [{"x": 1, "y": 2.5}, {"x": 3, "y": 4}]}},
    ):
        sent = tabled(decode(message))
        frame = arguments(sent, None, FRAME)
        assert [column.dtype.str for column in frame.values] == ["<i8", "<f8"]
        assert [column.tolist() for column in frame.values] == [[1, 3], [2.5, 4]]
        (array,) = arguments(sent, None, ARRAY).values
        assert array.dtype == np.float64


def test_a_tensor_is_checked_for_its_shape_and_cast():
    values = np.arange(8.0).reshape(2, 2, 2)
    array = arguments(request(values), IMAGE, ARRAY).values[0]
    assert array.dtype == np.float32
    assert array.shape == (2, 2, 2)


COLUMNS = "the model's signature has the columns 'a', 'b'"


REFUSED = {
    "ragged": (
        request([[1, 2], [3]]),
        None,
        ARRAY,
        "data.ndarray row 1 has 1 values, row 0 has 2: rows must be of equal length",
    ),
    "row-is-number": (
        request([[1.0, 2.0], 2]),
        DOUBLES,
        ARRAY,
        "data.ndarray row 1 is 2: every row must be a list",
    ),
    "names-missing": (
        request(np.array([[1.0, 2.0]])),
        DOUBLES,
        FRAME,
        f"data.names is missing: {COLUMNS}",
    ),
    "name-unknown": (
        request(np.array([[1.0, 2.0]]), ["a", "c"]),
        DOUBLES,
        FRAME,
        f"data.names lacks 'b' and has unknown 'c': {COLUMNS}",
    ),
    "name-extra": (
        request(np.array([[1.0, 2.0, 3.0]]), ["a", "b", "c"]),
        DOUBLES,
        ARRAY,
        f"data.names has unknown 'c': {COLUMNS}",
    ),
    "name-twice": (
        request(np.array([[1.0, 2.0]]), ["a", "a"]),
        DOUBLES,
        FRAME,
        "data.names has 'a' more than once: every column must have its own name",
    ),
    "names-miscounted": (
        request(np.array([[1.0, 2.0, 3.0]]), ["a", "b"]),
        DOUBLES,
        FRAME,
        "data.names has 2 names, the rows have 3 values: there must be a name a column",
    ),
    "names-miscounted-no-signature": (
        request(np.array([[1.0, 2.0, 3.0]]), ["a", "b"]),
        None,
        FRAME,
        "data.names has 2 names, the rows have 3 values: there must be a name a column",
    ),
    "columns-too-many": (
        request(np.array([[1.0, 2.0, 3.0]])),
        DOUBLES,
        ARRAY,
        "data has 3 columns: the model's signature has 2 ('a', 'b')",
    ),
    "one-row": (
        request(np.array([1.0, 2.0])),
        DOUBLES,
        ARRAY,
        "data.ndarray has the shape [2]: it must be a table of rows and columns, [[…], …]",
    ),
    "string-for-number": (
        request([[1, 2], ["three", 4]]),
        DOUBLES,
        ARRAY,
        "column 'a', row 1: \"three\" must be a number, the model's signature says double",
    ),
    "boolean-for-number": (
        request(np.array([[True, False]])),
        DOUBLES,
        ARRAY,
        "column 'a', row 0: true must be a number, the model's signature says double",
    ),
    "part-for-whole": (
        request([["Ann", 1.5, True, None]], ["name", "age", "member", "since"]),
        MIXED,
        FRAME,
        "column 'age', row 0: 1.5 must be a whole number, the model's signature says long",
    ),
    "null-for-long": (
        request([["Ann", None, True, None]], ["name", "age", "member", "since"]),
        MIXED,
        FRAME,
        "column 'age', row 0: null must be a number, the model's signature says long",
    ),
    "number-for-boolean": (
        request([["Ann", 1, 1, None]], ["name", "age", "member", "since"]),
        MIXED,
        FRAME,
        "column 'member', row 0: 1 must be true or false, the model's signature says boolean",
    ),
    "number-for-string": (
        request([[1, 1, True, None]], ["name", "age", "member", "since"]),
        MIXED,
        FRAME,
        "column 'name', row 0: 1 must be a string, the model's signature says string",
    ),
    "no-time": (
        request([["Ann", 1, True, "soon"]], ["name", "age", "member", "since"]),
        MIXED,
        FRAME,
        "column 'since', row 0: \"soon\" must be a time such as 2026-01-31T12:00:00, without a zone, "
        "the model's signature says datetime",
    ),
    "integer-too-large": (
        request(np.array([[2**40]])),
        Schema(columns=(Column(None, "integer"),)),
        ARRAY,
        "column 0, row 0: 1099511627776 must be from -2147483648 to 2147483647, "
        "the model's signature says integer",
    ),
    # JSON's integers a little below -2**63 become this double.
    "long-too-small": (
        request([[float(-(2**63))]]),
        Schema(columns=(Column(None, "long"),)),
        ARRAY,
        "column 0, row 0: -9.223372036854776e+18 must be from -9223372036854775808 to 9223372036854775807, "
        "the model's signature says long",
    ),
    "tensor-too-small": (
        request(np.array([[float(-(2**63))]])),
        Schema(tensors=(Tensor(None, "int64", (-1, 1)),)),
        ARRAY,
        "data.ndarray has -9.223372036854776e+18, which is no int64: the model's signature wants that",
    ),
    "tensor-shape": (
        request(np.zeros((1, 3, 2))),
        IMAGE,
        ARRAY,
        "data.ndarray has the shape [1, 3, 2]: the model's signature says [-1, 2, 2], -1 being any length",
    ),
    "tensor-part-for-whole": (
        request(np.array([[1.5]])),
        Schema(tensors=(Tensor(None, "int64", (-1, 1)),)),
        ARRAY,
        "data.ndarray has 1.5, which is no int64: the model's signature wants that",
    ),
    "tensor-strings": (
        request([[["a", 1], [2, 3]]]),
        IMAGE,
        ARRAY,
        "data.ndarray must have numbers and nothing else: the model's signature says float32",
    ),
    "two-tensors": (
        request(np.array([[1.0]])),
        Schema(tensors=(Tensor("x", "float32", (-1,)), Tensor("y", "float32", (-1,)))),
        ARRAY,
        "data.names is missing: the model's signature has the tensors 'x', 'y'",
    ),
}


@pytest.mark.parametrize(("sent", "inputs", "form", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_signature_is_refused(sent, inputs, form, message):
    with pytest.raises(BadData) as caught:
        arguments(sent, inputs, form)
    assert str(caught.value) == message


@pytest.mark.parametrize("signature", [DOUBLES, None], ids=["signature", "none"])
@pytest.mark.parametrize("form", [ARRAY, FRAME], ids=["array", "frame"])
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1, 2], [3]], "row 1 has 1 values, row 0 has 2: rows must be of equal length"),
        ([[1, 2], 3], "row 1 is 3: every row must be a list"),
    ],
)
def test_ragged_rows_of_jsondata_are_refused(signature, form, rows, said):
    with pytest.raises(BadData) as caught:
        arguments(tabled(decode({"jsonData": rows})), signature, form)
    assert str(caught.value) == f"jsonData {said}"


@pytest.mark.parametrize("name", ["inputs", "instances", "dataframe_split", "dataframe_records"])
def test_a_column_that_is_called_as_a_form_of_mlflow_is_a_column(name):
    schema = Schema(columns=(Column(name, "double"), Column("b", "double")))
    sent = {name: 1.0, "b": 2.0}
    for value in (sent, [sent], {"dataframe_records": [sent]}, {"inputs": {name: [1.0], "b": [2.0]}}):
        found = arguments(tabled(decode({"jsonData": value}), schema), schema, FRAME)
        assert (found.names, found.values[0].tolist()) == ([name, "b"], [[1.0, 2.0]])
    alone = Schema(columns=(Column(name, "double"),))
    found = arguments(tabled(decode({"jsonData": {name: 1.0}}), alone), alone, FRAME)
    assert (found.names, found.values[0].tolist()) == ([name], [[1.0]])
    beside = Schema(columns=(Column(name, "double"), Column("params", "double")))
    found = arguments(tabled(decode({"jsonData": {name: 1.0, "params": 2.0}}), beside), beside, FRAME)
    assert (found.names, found.values[0].tolist()) == ([name, "params"], [[1.0, 2.0]])


def test_values_get_the_types_of_the_signature():
    given = parameters({"temperature": 1, "top": 2.0, "stop": ["x"]}, KNOWN)
    assert given == {"temperature": 1.0, "top": 2, "stop": ["x"]}
    assert type(given["temperature"]) is float
    assert type(given["top"]) is int


def test_null_is_no_value_and_what_is_left_out_is_left_to_its_default():
    assert parameters({"top": None}, KNOWN) == {"top": None}
    assert parameters({}, KNOWN) == {}


def test_they_come_beside_mlflows_forms():
    request = tabled(Request("jsonData", {"instances": [[1]], "params": {"top": 1}}))
    assert request.params == {"top": 1}
    with pytest.raises(BadData, match=r"jsonData\.params is 1: it must be a JSON object"):
        tabled(Request("jsonData", {"instances": [[1]], "params": 1}))


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        (
            {"tops": 1},
            KNOWN,
            "jsonData.params has unknown 'tops': the model's signature has the parameters "
            "'temperature', 'top', 'stop'",
        ),
        ({"top": 1}, [], "jsonData.params has unknown 'top': the model's signature has no parameters"),
        (
            {"top": 1.5},
            KNOWN,
            "jsonData.params.top: 1.5 must be a whole number, the model's signature says long",
        ),
        (
            {"stop": ["x", 1]},
            KNOWN,
            "jsonData.params.stop, at [1]: 1 must be a string, the model's signature says string",
        ),
    ],
    ids=["unknown", "none", "part", "list"],
)
def test_what_does_not_fit_is_refused(given, known, message):
    with pytest.raises(BadData) as caught:
        parameters(given, known)
    assert str(caught.value) == message
