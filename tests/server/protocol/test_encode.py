"""An Answer or an error to a JSON body."""

from __future__ import annotations

import json

import numpy as np
import pytest

from server import errors
from server.protocol.encode import encode, failure
from server.protocol.message import Answer, Request

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


def test_times_are_text():
    times = np.array(["2026-01-31T12:00:00"], dtype="datetime64[ns]")
    assert encoded(times)["data"]["ndarray"] == ["2026-01-31T12:00:00.000000000"]


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
