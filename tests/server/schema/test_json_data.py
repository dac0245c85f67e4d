"""MLflow's forms of input in jsonData."""

from __future__ import annotations

import numpy as np
import pytest

from server.errors import BadData
from server.schema.json_data import tabled
from server.schema.request import Request


def table(value):
    return tabled(Request("jsonData", value))


NUMBERS = {
    "split": {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}},
    "records": {"dataframe_records": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
    "instances-of-records": {"instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]},
    "inputs-of-columns": {"inputs": {"a": [1, 3], "b": [2, 4]}},
}


@pytest.mark.parametrize("value", NUMBERS.values(), ids=NUMBERS)
def test_every_form_with_names_is_the_same_table(value):
    request = table(value)
    np.testing.assert_array_equal(request.values, [[1, 2], [3, 4]])
    assert request.names == ["a", "b"]


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_forms_without_names_are_rows(form):
    request = table({form: [[1, 2], [3, 4]]})
    np.testing.assert_array_equal(request.values, [[1, 2], [3, 4]])
    assert request.names is None


def test_a_record_that_lacks_a_column_has_null_there():
    assert table({"dataframe_records": [{"a": 1}, {"b": "x"}]}).values == [[1, None], [None, "x"]]


def test_any_other_value_is_left_to_the_model():
    for value in ({"prompt": "hello"}, [1, 2], "text", None):
        assert table(value).values == value


REFUSED = {
    "two-forms": (
        {"inputs": [[1]], "instances": [[1]]},
        "jsonData has inputs, instances: it must have instances alone, or with params",
    ),
    "split-without-data": (
        {"dataframe_split": {"columns": ["a"]}},
        "jsonData.dataframe_split has columns: it must have columns and data",
    ),
    "split-ragged": (
        {"dataframe_split": {"columns": ["a"], "data": [[1], [2, 3]]}},
        "jsonData.dataframe_split.data row 1 has 2 values, row 0 has 1: rows must be of equal length",
    ),
    "split-one-row": (
        {"dataframe_split": {"columns": ["a"], "data": ["x", "y"]}},
        'jsonData.dataframe_split.data is one row, ["x", "y"]: it must be a list of rows, [[…], …]',
    ),
    "records-not-objects": (
        {"dataframe_records": [[1]]},
        "jsonData.dataframe_records row 0 is [1]: it must be a JSON object",
    ),
    "no-records": (
        {"dataframe_records": []},
        "jsonData.dataframe_records is []: it must be a list of objects, one a row",
    ),
    "columns-of-several-lengths": (
        {"inputs": {"a": [1], "b": [1, 2]}},
        'jsonData.inputs is {"a": [1], "b": [1, 2]}: it must have a list of values for every column, '
        "all of one length",
    ),
}


@pytest.mark.parametrize(("value", "message"), REFUSED.values(), ids=REFUSED)
def test_a_broken_form_is_refused(value, message):
    with pytest.raises(BadData) as caught:
        table(value)
    assert str(caught.value) == message
