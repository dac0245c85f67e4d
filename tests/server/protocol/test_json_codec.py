"""A JSON body to a Request, an Answer or an error to a JSON body."""

from __future__ import annotations

import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import errors
from server.errors import BadData
from server.ipc.columnar_table import ColumnarTable
from server.protocol.json_body import parse
from server.protocol.json_codec import decode, encode, failure
from server.schema.request import Answer, Request

BIG = 2**53 + 1
META = {"requestPath": {"model": "image"}}


def decoded(body):
    return decode(parse(body))


def body(**data):
    return json.dumps({"data": data}).encode()


def test_numbers_become_an_array_and_keep_their_type():
    request = decoded(body(names=["a", "b"], ndarray=[[1, 2], [3, 4]]))
    assert request.kind == "ndarray"
    assert request.names == ["a", "b"]
    assert request.values.dtype == np.int64
    np.testing.assert_array_equal(request.values, [[1, 2], [3, 4]])


whole = st.integers(-(2**66), 2**66) | st.integers(-5, 5)


@given(
    st.data(),
    st.integers(1, 4),
    st.sampled_from([whole, st.floats(allow_nan=False), whole | st.floats(-3, 3)]),
)
def test_every_number_keeps_its_value(data, columns, numbers):
    row = st.lists(numbers, min_size=columns, max_size=columns)
    rows = data.draw(st.lists(row, min_size=1, max_size=200))
    # Parsed by the standard library, which has whole numbers of any size.
    values = decode(json.loads(body(ndarray=rows))).values
    cells = [cell for row in rows for cell in row]
    if isinstance(values, np.ndarray):
        assert values.tolist() == rows
        assert values.flags.writeable
        whole_numbers = all(isinstance(cell, int) for cell in cells)
        assert values.dtype.kind in ("iu" if whole_numbers else "f")
    else:
        assert values == rows
        assert any(isinstance(cell, int) and abs(cell) > 2**53 for cell in cells)


def test_a_tensor_gets_its_shape():
    request = decoded(body(tensor={"shape": [2, 2], "values": [1.5, 2, 3, 4]}))
    assert request.kind == "tensor"
    np.testing.assert_array_equal(request.values, [[1.5, 2.0], [3.0, 4.0]])


def test_rows_with_strings_and_nulls_stay_as_they_were_sent():
    rows = [["a", 1, None, True], ["b", 2.5, "c", False]]
    assert decoded(body(ndarray=rows)).values == rows


def test_one_row_of_texts_stays_as_it_was_sent():
    assert decoded(body(ndarray=["a", "b"])).values == ["a", "b"]


def test_meta_is_kept_and_names_may_be_left_out():
    request = decoded(b'{"meta": {"puid": "p"}, "data": {"ndarray": [[1]]}}')
    assert request.meta == {"puid": "p"}
    assert request.names is None


def test_nan_as_python_writes_it_is_taken():
    values = decoded(b'{"data": {"ndarray": [[NaN, Infinity]]}}').values
    assert math.isnan(values[0, 0])
    assert values[0, 1] == math.inf


REFUSED = {
    "empty": (b" ", 'the body is empty: send a JSON object such as {"data": {"ndarray": [[…], …]}}'),
    "cut": (b'{"data": ', "the body is not JSON: unexpected end of data: line 1 column 10 (char 9)"),
    "cut-after-nan": (b"[NaN, ", "the body is not JSON: unexpected character"),
    "not-utf8": (b'{"data": "\xff"}', "the body is not JSON: str is not valid UTF-8"),
    "list": (b"[1]", "the body is [1]: it must be a JSON object"),
    "no-data": (
        b'{"instances": [[1]]}',
        "the body has instances: it must have exactly one of data, jsonData, strData, binData; "
        'send for instance {"data": {"ndarray": [[…], …]}}',
    ),
    "data-is-list": (b'{"data": [[1]]}', "data is [[1]]: it must be a JSON object"),
    "no-kind": (b'{"data": {"names": []}}', "data has names: it must have exactly one of ndarray or tensor"),
    "two-kinds": (
        b'{"data": {"ndarray": [[1]], "tensor": {}}}',
        "data has ndarray, tensor: it must have exactly one of ndarray or tensor",
    ),
    "names-not-strings": (
        b'{"data": {"names": [true], "ndarray": [[1]]}}',
        "data.names is [true]: it must be a list of strings or whole numbers",
    ),
    "meta-is-text": (b'{"meta": "x", "data": {"ndarray": [[1]]}}', 'meta is "x": it must be a JSON object'),
    "no-rows": (b'{"data": {"ndarray": []}}', "data.ndarray has no rows: send at least one"),
    "scalar": (b'{"data": {"ndarray": 3}}', "data.ndarray is 3: it must be a list of rows, [[…], …]"),
    "tensor-shape": (
        b'{"data": {"tensor": {"shape": [-1], "values": [1]}}}',
        "data.tensor.shape is [-1]: it must be a list of whole numbers, 0 or more",
    ),
    "tensor-without-values": (
        b'{"data": {"tensor": {"shape": [1]}}}',
        "data.tensor.values is null: it must be a list of numbers",
    ),
    "tensor-of-strings": (
        b'{"data": {"tensor": {"shape": [2], "values": [1, "a"]}}}',
        'data.tensor.values has "a": it must be a flat list of numbers',
    ),
    "tensor-too-short": (
        b'{"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3]}}}',
        "data.tensor.shape [2, 2] asks for 4 values, data.tensor.values has 3",
    ),
    "tensor-empty": (
        b'{"data": {"tensor": {"shape": [0, 4], "values": []}}}',
        "data.tensor has no values: send at least one row",
    ),
    "no-columns": (b'{"data": {"ndarray": [[]]}}', "data.ndarray has no values: send at least one column"),
    "two-payloads": (
        b'{"strData": "a", "binData": "AA=="}',
        "the body has binData, strData: it must have exactly one of data, jsonData, strData, binData; ",
    ),
    "str-data": (b'{"strData": 1}', "strData is 1: it must be a string"),
    "bin-data": (b'{"binData": 1}', "binData is 1: it must be a string of base64"),
    "bin-data-not-base64": (b'{"binData": "a*"}', 'binData is "a*": it must be base64 ('),
    "tensor-huge-shape": (
        b'{"data": {"tensor": {"shape": [99999999999, 99999999999], "values": [1]}}}',
        "data.tensor.shape [99999999999, 99999999999] asks for 9999999999800000000001 values, "
        "data.tensor.values has 1",
    ),
}


@pytest.mark.parametrize(("sent", "message"), REFUSED.values(), ids=REFUSED)
def test_a_bad_body_is_refused_with_value_and_rule(sent, message):
    with pytest.raises(BadData) as caught:
        decoded(sent)
    assert str(caught.value).startswith(message)


def test_other_payloads_are_taken_as_they_are():
    assert decoded(b'{"strData": "text"}').values == "text"
    assert decoded(b'{"binData": "AAE="}').values == b"\x00\x01"
    assert decoded(b'{"jsonData": {"a": [1, null]}}').values == {"a": [1, None]}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "jsonData",
                    "strData",
                    "binData",
                    "ndarray",
                    "tensor",
                    "names",
                    "shape",
                    "values",
                    "meta",
                ]
            ),
            children,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_either_a_request_or_bad_data(value):
    with contextlib.suppress(BadData):
        assert decoded(json.dumps(value).encode()).kind in (
            "ndarray",
            "tensor",
            "jsonData",
            "strData",
            "binData",
        )


@given(st.binary(max_size=60))
def test_any_bytes_are_either_a_request_or_bad_data(sent):
    with contextlib.suppress(BadData):
        assert decoded(sent).kind


@given(st.data())
def test_a_table_of_numbers_comes_through_to_the_last_digit(data):
    width = data.draw(st.integers(1, 5))
    cell = st.floats(allow_nan=False, allow_infinity=False)
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=5))
    assert decoded(body(ndarray=rows)).values.tolist() == rows


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
