"""The argument that the model's method gets, and what becomes of its result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from server.mlmodel import Column, Schema
from server.model.worker.call import argument, result
from server.protocol.arguments import arguments
from server.protocol.message import Request


def received(values, names=None, inputs=None, xtype="DataFrame"):
    call = arguments(Request("ndarray", values, names), inputs, xtype)
    return argument(call.header, call.values)


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
        )
    )
    rows = [["Ann", 41, True, "2026-01-31T12:00:00", 1.5], [None, 42, False, None, None]]
    frame = received(rows, ["name", "age", "member", "since", "size"], inputs)
    assert frame["age"].dtype == np.int64
    assert frame["member"].dtype == np.bool_
    assert str(frame["since"].dtype) == "datetime64[ns]"
    assert frame["size"].dtype == np.float32
    assert frame["name"].tolist()[0] == "Ann"
    assert frame["name"].isna().tolist() == [False, True]
    assert frame["since"][0] == pd.Timestamp("2026-01-31T12:00:00")


def test_an_array_of_mixed_rows_holds_the_values_that_were_sent():
    array = received([["a", 1], ["b", None]], xtype="ndarray")
    assert array.dtype == object
    assert array.tolist() == [["a", 1], ["b", None]]


def test_two_columns_of_one_name_stay_two():
    assert received([["a", 1]], ["x", "x"]).shape == (1, 2)


@pytest.mark.parametrize(
    ("returned", "sent", "names"),
    [
        (np.array([[1, 2]]), [[1, 2]], None),
        ([1, 2], [1, 2], None),
        (np.float64(0.5), [0.5], None),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), [[1.0, 2.0]], ["a", "b"]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [[1, "x"], [2, None]], ["a", "b"]),
        (pd.Series([1.0, 2.0], name="y"), [1.0, 2.0], None),
        (sparse.csr_matrix([[0, 1]]), [[0, 1]], None),
    ],
    ids=["array", "list", "scalar", "frame", "mixed-frame", "series", "sparse"],
)
def test_every_table_that_models_return_is_sent_as_an_array(returned, sent, names):
    value, columns = result(returned)
    assert value.tolist() == sent
    assert columns == names


def test_text_bytes_and_dicts_are_sent_as_they_are():
    for value in ("text", b"bytes", {"a": 1}):
        assert result(value) == (value, None)


def test_what_a_message_cannot_hold_is_refused_with_its_type():
    with pytest.raises(
        TypeError, match="the model returned a NoneType; it must return an array, a DataFrame"
    ):
        result(None)
