"""The argument that the model's method gets, and the models that get an array: called both ways."""

from __future__ import annotations

import datetime as dt
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from server.errors import BadData
from server.ipc import wire
from server.mlmodel.load_plan import ARRAY, FRAME
from server.mlmodel.signature import Column, Schema, Tensor
from server.schema.arguments import arguments
from server.schema.request import Request
from server.worker.argument import TAKEN, argument, array_columns, is_array
from server.worker.result import result
from server.worker.rowwise import METHODS
from tests.server.worker.test_rowwise import X, Y, problems

NAMES = ["a", "b", "c", "d"]
TABLE = pd.DataFrame(X, columns=NAMES)


def received(values, names=None, inputs=None, form=FRAME, kind="ndarray"):
    """Return the argument for a request, its call having gone over the wire."""
    call = arguments(Request(kind, values, names), inputs, form)
    frame = b"".join(bytes(buffer) for buffer in wire.pack(call.header, call.values))
    size, _ = wire.PREFIX.unpack(frame[: wire.PREFIX.size])
    header = json.loads(frame[wire.PREFIX.size : wire.PREFIX.size + size])
    return argument(header, wire.unpack(header, frame[wire.PREFIX.size + size :]))


def test_a_row_of_texts_is_an_array_of_them():
    array = received(["good", "bad"], form=ARRAY)
    assert array.dtype == object
    assert array.tolist() == ["good", "bad"]


def test_a_row_of_texts_is_no_frame():
    with pytest.raises(BadData) as caught:
        received(["good", "bad"])
    assert str(caught.value) == (
        "data.ndarray has the shape [2]: it must be a table of rows and columns, [[…], …]"
    )


def test_a_frame_of_numbers_has_the_requests_names():
    frame = received(np.array([[1.0, 2.0]]), ["a", "b"])
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1.0], "b": [2.0]}))


def test_a_frame_of_mixed_columns_has_the_signatures_types():
    inputs = Schema(
        columns=(
            Column("name", "string"),
            Column("age", "long"),
            Column("member", "boolean"),
            Column("since", "datetime"),
            Column("size", "float"),
            Column("key", "binary"),
        )
    )
    rows = [["Ann", 41, True, "2026-01-31T12:00:00", 1.5, "AAE="], [None, 42, False, None, None, None]]
    frame = received(rows, [column.name for column in inputs.columns], inputs)
    assert frame["age"].dtype == np.int64
    assert frame["member"].dtype == np.bool_
    assert str(frame["since"].dtype) == "datetime64[ns]"
    assert frame["size"].dtype == np.float32
    assert frame["name"].tolist()[0] == "Ann"
    assert frame["name"].isna().tolist() == [False, True]
    assert frame["since"][0] == pd.Timestamp("2026-01-31T12:00:00")
    assert frame["key"].tolist() == [b"\x00\x01", None]


def test_an_array_of_mixed_rows_holds_the_values_that_were_sent():
    array = received([["a", 1], ["b", None]], form=ARRAY)
    assert array.dtype == object
    assert array.tolist() == [["a", 1], ["b", None]]


def test_an_array_of_times_and_bytes_holds_times_and_bytes():
    inputs = Schema(columns=(Column("since", "datetime"), Column("key", "binary"), Column("n", "long")))
    array = received([["2026-01-31", "AAE=", 1]], inputs=inputs, form=ARRAY)
    assert array.tolist() == [[dt.datetime(2026, 1, 31), b"\x00\x01", 1]]


def test_times_and_bytes_inside_arrays_objects_and_maps_are_times_and_bytes():
    kind = {
        "type": "object",
        "properties": {
            "seen": {"type": "array", "items": {"type": "datetime"}, "required": True},
            "keys": {"type": "map", "values": {"type": "binary"}, "required": False},
        },
    }
    inputs = Schema(columns=(Column("a", kind), Column("b", {"type": "array", "items": {"type": "double"}})))
    value = {"seen": ["2026-01-31T12:00:00.5"], "keys": {"x": "AAE="}}
    frame = received([[value, [1, None]]], ["a", "b"], inputs)
    assert frame["a"][0] == {
        "seen": [dt.datetime(2026, 1, 31, 12, 0, 0, 500_000)],
        "keys": {"x": b"\x00\x01"},
    }
    np.testing.assert_array_equal(frame["b"][0], [1.0, np.nan])


def test_two_columns_of_one_name_stay_two():
    assert received([["a", 1]], ["x", "x"]).shape == (1, 2)


def test_a_signature_without_names_keeps_the_requests():
    inputs = Schema(columns=(Column(None, "double"), Column(None, "double")))
    assert list(received(np.array([[1.0, 2.0]]), ["x", "y"], inputs).columns) == ["x", "y"]
    assert list(received(np.array([[1.0, 2.0]]), None, inputs).columns) == [0, 1]


def test_tensors_by_their_names_are_a_dict_of_arrays():
    inputs = Schema(tensors=(Tensor("ids", "int64", (-1, 2, 2)), Tensor("mask", "float32", (-1, 2))))
    flat = [[[0.5, 1], [1, 2, 3, 4]], [[2, 3], [5, 6, 7, 8]]]
    shaped = [[[0.5, 1], [[1, 2], [3, 4]]], [[2, 3], [[5, 6], [7, 8]]]]
    for rows in (flat, shaped):
        check_tensors(received(rows, ["mask", "ids"], inputs))


def check_tensors(tensors):
    assert list(tensors) == ["ids", "mask"]
    assert tensors["ids"].dtype == np.int64
    assert tensors["ids"].tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    np.testing.assert_array_equal(tensors["mask"], np.array([[0.5, 1], [2, 3]], dtype=np.float32))


def test_a_tensor_of_strings_has_its_shape():
    inputs = Schema(tensors=(Tensor(None, "str", (-1, 2, 1)),))
    array = received([[["a"], ["b"]]], inputs=inputs, form=ARRAY)
    assert array.shape == (1, 2, 1)
    assert array.tolist() == [[["a"], ["b"]]]


def test_a_tensor_of_objects_keeps_their_types():
    inputs = Schema(tensors=(Tensor(None, "object", (-1, 2)),))
    assert received([["a", 1]], inputs=inputs, form=ARRAY).tolist() == [["a", 1]]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("strData", "text"), ("binData", b"\x00"), ("jsonData", {"a": [1]}), ("jsonData", [1, "x"])],
    ids=["text", "bytes", "object", "list"],
)
def test_without_a_signature_a_value_that_is_no_table_reaches_the_model_as_it_is(kind, value):
    assert received(value, kind=kind) == value


TEXT = Schema(columns=(Column("text", "string"),))
RECORD = Schema(columns=(Column("a", "double"), Column("b", "string")))


@pytest.mark.parametrize(
    ("kind", "value", "inputs", "rows"),
    [
        ("strData", "hello", TEXT, [["hello"]]),
        ("jsonData", ["hello", None], TEXT, [["hello"], [None]]),
        ("binData", b"\x00\x01", Schema(columns=(Column("k", "binary"),)), [[b"\x00\x01"]]),
        ("jsonData", {"b": "x", "a": 1}, RECORD, [[1.0, "x"]]),
        ("jsonData", [{"b": "x", "a": 1}, {"a": 2, "b": "y"}], RECORD, [[1.0, "x"], [2.0, "y"]]),
        ("jsonData", {"x": [1, 2]}, Schema(tensors=(Tensor("x", "float32", (-1,)),)), None),
    ],
    ids=["text", "list-of-text", "bytes", "record", "records", "tensors"],
)
def test_with_a_signature_it_becomes_the_table_that_this_speaks_of(kind, value, inputs, rows):
    argument_ = received(value, kind=kind, inputs=inputs)
    if rows is None:
        assert {name: array.tolist() for name, array in argument_.items()} == value
        return
    assert list(argument_.columns) == list(inputs.names)
    assert argument_.astype(object).where(argument_.notna(), None).to_numpy().tolist() == rows


def fitted(kind, output):
    for estimator in _construct_instances(kind):
        for table, target in problems():
            frame = pd.DataFrame(table, columns=[f"c{index}" for index in range(table.shape[1])])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    # IsotonicRegression is fitted to a column, and has no names.
                    made = clone(estimator).fit(frame, target)
                    if output is not None:
                        made.set_output(transform=output)
                except (ValueError, TypeError, AttributeError):
                    continue  # It is not for problems of this kind, or has no output to be set.
            yield made, frame


def outcome(method, rows):
    try:
        value, names = result(method(rows))
    except (ValueError, IndexError) as error:  # So does OrdinalEncoder with more columns than it knows.
        return type(error), str(error)
    return (
        (value.dtype, value.shape, value.tobytes(), names)
        if isinstance(value, np.ndarray)
        else (getattr(value, "tolist", lambda: value)(), names)
    )


@pytest.mark.long
@pytest.mark.parametrize("output", [None, "pandas"])
@pytest.mark.parametrize("name", sorted(TAKEN - {"IsotonicRegression"}))
def test_both_give_the_same(name, output):
    compared = 0
    for estimator, frame in fitted(dict(all_estimators())[name], output):
        assert array_columns(estimator) == list(frame.columns)
        for method in sorted(METHODS):
            if hasattr(estimator, method):
                for count in (1, 7, 100):
                    rows = frame[:count]
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        by_array = outcome(getattr(estimator, method), np.ascontiguousarray(rows.to_numpy()))
                        by_frame = outcome(getattr(estimator, method), rows)
                    assert by_array == by_frame, (method, count)
                    compared += 1
    assert compared or (output is not None and not hasattr(dict(all_estimators())[name], "set_output"))


KNOWN = {"an estimator": SVC(), "a pipeline": make_pipeline(StandardScaler(), SVC())}
UNKNOWN = {
    "a matrix product": LogisticRegression(),
    "a choice by name": make_pipeline(ColumnTransformer([("a", StandardScaler(), ["a"])]), SVC()),
    "a function of the user's": make_pipeline(FunctionTransformer(), SVC()),
}


@pytest.mark.parametrize("estimator", KNOWN.values(), ids=KNOWN)
def test_known_are(estimator):
    assert array_columns(clone(estimator).fit(TABLE, Y)) == NAMES


@pytest.mark.parametrize("estimator", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_are(estimator):
    assert array_columns(clone(estimator).fit(TABLE, Y)) is None


def test_one_that_was_fitted_without_names_has_none():
    assert array_columns(SVC().fit(X, Y)) is None


TABLE_HEADER = {"as": "frame", "names": NAMES, "columnar": False}
OTHERS = {
    "other names": ({"names": ["a", "b", "d", "c"]}, X),
    "no names": ({"names": None}, X),
    "a value a column": ({"columnar": True}, X),
    "values to be converted": ({"convert": {"0": "datetime"}}, X),
    "an array was asked for": ({"as": "array"}, X),
    "booleans": ({}, X > 0),
    "nested lists": ({}, X.tolist()),
}


def test_numbers_with_the_columns_that_are_known_are_an_array():
    assert is_array(TABLE_HEADER, [X], NAMES)
    assert not is_array(TABLE_HEADER, [X], None)


@pytest.mark.parametrize(("header", "value"), OTHERS.values(), ids=OTHERS)
def test_other_frames_are_not(header, value):
    assert not is_array({**TABLE_HEADER, **header}, [value], NAMES)
