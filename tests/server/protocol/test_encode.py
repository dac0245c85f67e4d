"""An Answer or an error to a JSON body."""

from __future__ import annotations

import json

import numpy as np
import pytest

from server import errors
from server.ipc.columnar_table import ColumnarTable
from server.protocol.json_codec import encode, failure
from server.schema.request import Answer, Request

BIG = 2**53 + 1
META = {"requestPath": {"model": "image"}}


def encoded(values, names=(), kind="ndarray"):
    return json.loads(encode(Request(kind, np.zeros((1, 1)), None), Answer(values, list(names)), META))


def test_an_array_is_answered_in_the_requests_kind():
    array = np.array([[1.5, 2.0]])
    assert encoded(array, ["a", "b"]) == {
        "data": {"names": ["a", "b"], "ndarray": [[1.5, 2.0]]},
        "meta": META,
    }
    tensor = encoded(array, ["a", "b"], "tensor")["data"]
    assert tensor == {"names": ["a", "b"], "tensor": {"shape": [1, 2], "values": [1.5, 2.0]}}


def test_integers_and_booleans_stay_what_they_are():
    assert encode(Request("ndarray", np.zeros(1), None), Answer(np.array([1, 2]), []), {}).startswith(
        b'{"data":{"names":[],"ndarray":[1,2]}'
    )
    assert encoded(np.array([True, False]))["data"]["ndarray"] == [True, False]


def test_single_precision_is_written_as_the_number_it_is():
    assert encoded(np.array([0.1], dtype=np.float32))["data"]["ndarray"] == [float(np.float32(0.1))]


def test_what_json_has_no_number_for_is_null():
    assert encoded(np.array([np.nan, np.inf, 1.0]))["data"]["ndarray"] == [None, None, 1.0]


def test_what_orjson_cannot_write_is_written():
    sent = {"number": 10**30, "text": "\ud800", "nothing": [float("nan")]}
    assert encoded(sent)["jsonData"] == {"number": 10**30, "text": "\ud800", "nothing": [None]}
    big = encoded(np.array([[1, np.inf]]), ["\udfff"])["data"]
    assert big == {"names": ["\udfff"], "ndarray": [[1.0, None]]}


def test_times_are_text_and_missing_ones_null():
    times = np.array(["2026-01-31T12:00:00", "NaT", "2026-01-31T12:00:00.000000001"], dtype="datetime64[ns]")
    sent = ["2026-01-31T12:00:00", None, "2026-01-31T12:00:00.000000001"]
    assert encoded(times)["data"]["ndarray"] == sent
    assert encoded(np.array([["2026-01-31", "NaT"]], "datetime64[D]"))["data"]["ndarray"] == [
        ["2026-01-31", None]
    ]
    durations = np.array([90_000, -1, "NaT"], dtype="timedelta64[ms]")
    assert encoded(durations)["data"]["ndarray"] == ["P0DT0H1M30S", "-P0DT0H0M0.001S", None]


def test_columns_of_unlike_types_keep_them():
    table = ColumnarTable([np.array([BIG, 1]), np.array([2**64 - 1, 0], np.uint64), np.array([0.5, 1.5])])
    rows = [[BIG, 2**64 - 1, 0.5], [1, 0, 1.5]]
    assert encoded(table, "abc")["data"] == {"names": ["a", "b", "c"], "ndarray": rows}
    tensor = {"shape": [2, 3], "values": [cell for row in rows for cell in row]}
    assert encoded(table, "abc", "tensor")["data"] == {"names": ["a", "b", "c"], "tensor": tensor}
    times = np.array(["NaT", "2026-01-31"], dtype="datetime64[ns]")
    mixed = ColumnarTable([np.array([True, False]), ["a", None], times])
    rows = [[True, "a", None], [False, None, "2026-01-31T00:00:00"]]
    assert encoded(mixed, "abc", "tensor")["data"] == {"names": ["a", "b", "c"], "ndarray": rows}


def test_strings_are_rows_even_for_a_tensor():
    assert encoded([["a"], ["b"]], ["x"], "tensor")["data"] == {"names": ["x"], "ndarray": [["a"], ["b"]]}


@pytest.mark.parametrize(
    ("value", "field", "sent"),
    [({"a": 1}, "jsonData", {"a": 1}), ("text", "strData", "text"), (b"\x00\x01", "binData", "AAE=")],
)
def test_other_results_have_a_field_of_their_own(value, field, sent):
    assert encoded(value) == {field: sent, "meta": META}


def test_an_error_has_seldons_body():
    assert json.loads(failure(errors.BadData("wrong"))) == {
        "status": {"code": -1, "info": "wrong", "reason": "MICROSERVICE_BAD_DATA", "status": 1}
    }
    assert json.loads(failure(errors.ModelFailed("ValueError: x")))["status"]["reason"] == (
        "MICROSERVICE_INTERNAL_ERROR"
    )


def test_an_error_with_half_a_pair_has_it_as_python_shows_it():
    assert json.loads(failure(errors.ModelFailed("no \ud800")))["status"]["info"] == "no \\ud800"
