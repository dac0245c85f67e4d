"""A SeldonMessage as an inference request, and an inference response as a SeldonMessage."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import BadData
from server.protocol.v2.seldon_message import request, response


def output(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


FRAME = {"content_type": "pd"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"data": {"names": ["a", "b"], "ndarray": [[1, "x"], [2, "y"]]}},
            {
                "parameters": FRAME,
                "inputs": [output("a", "INT64", [2], [1, 2]), output("b", "BYTES", [2], ["x", "y"])],
            },
        ),
        ({"data": {"ndarray": [[1.5, None]]}}, {"inputs": [output("input-1", "FP64", [1, 2], [1.5, None])]}),
        (
            {"data": {"tensor": {"shape": [1, 2], "values": [1, 2.5]}}},
            {"inputs": [output("input-1", "FP64", [1, 2], [1.0, 2.5])]},
        ),
        (
            {"jsonData": {"dataframe_split": {"columns": ["a"], "data": [[True]]}, "params": {"k": 3}}},
            {"parameters": {"k": 3, **FRAME}, "inputs": [output("a", "BOOL", [1], [True])]},
        ),
    ],
    ids=["columns", "no-names", "tensor", "dataframe_split"],
)
def test_a_table_or_an_array_is_sent_as_tensors(message: dict[str, Any], expected: dict[str, Any]) -> None:
    assert request(message) == expected


def test_the_message_stays_as_it_is() -> None:
    message = {"jsonData": {"dataframe_split": {"columns": ["a"], "data": [[1]]}, "params": {"k": 3}}}
    request(message)
    assert message == {"jsonData": {"dataframe_split": {"columns": ["a"], "data": [[1]]}, "params": {"k": 3}}}


@pytest.mark.parametrize(
    "outputs",
    [
        [{"name": "a", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}],
        [{}],
        ["x"],
        [output("a", "FP64", [1], [1.0]), output("b", "FP64", [2], [1.0, 2.0])],
        [output("a", "FP64", [2], [1.0])],
        [output("a", "FP64", [], [1.0])],
    ],
    ids=["raw-bytes", "empty", "no-object", "lengths", "shape", "scalar"],
)
def test_outputs_of_another_form_are_no_answer(outputs: list[Any]) -> None:
    assert response({"data": {"names": ["a"], "ndarray": [[1.0]]}}, {"outputs": outputs}) == {}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"jsonData": {"messages": []}}, "jsonData is no table or array"),
        ({"strData": "x"}, "strData is no table or array"),
        ({"data": {"names": ["a"], "ndarray": [["x"], [None]]}}, "'a' has"),
        ({"data": {"names": ["a"], "ndarray": [[{"b": 1}]]}}, "'a' has"),
        ({"data": {"names": ["a"], "ndarray": [[1], ["x"]]}}, "'a' has"),
        ({"data": {"names": ["a"], "ndarray": [[1], [True]]}}, "'a' has"),
        ({"data": {"names": ["a", "b"], "ndarray": [[1], [2]]}}, "ndarray must have rows of 2 values"),
        ({"data": {"names": ["a", "b"], "ndarray": [1, 2]}}, "ndarray must have rows of 2 values"),
    ],
    ids=["chat", "text", "no-text", "object", "two-types", "truth-and-number", "short-rows", "no-rows"],
)
def test_what_has_no_tensor_is_refused(message: dict[str, Any], said: str) -> None:
    with pytest.raises(BadData) as refused:
        request(message)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("expected", "outputs"),
    [
        (
            {"data": {"names": ["p", "q"], "ndarray": [[1.0, 2.0], [3.0, 4.0]]}},
            [output("output-1", "FP64", [2, 2], [1.0, 2.0, 3.0, 4.0])],
        ),
        (
            {"data": {"names": ["p", "q"], "ndarray": [[1.0, "x"], [None, "y"]]}},
            [output("p", "FP64", [2, 1], [1.0, None]), output("q", "BYTES", [2, 1], ["x", "y"])],
        ),
        ({"data": {"names": [], "ndarray": [1, 2]}}, [output("output-1", "INT64", [2, 1], [1, 2])]),
        (
            {"data": {"names": [], "tensor": {"shape": [2, 1], "values": [1.0, 2.0]}}},
            [output("output-1", "FP64", [2, 1], [1.0, 2.0])],
        ),
        (
            {"data": {"names": [], "ndarray": [0.10000000149011612]}},
            [output("output-1", "FP32", [1, 1], [0.1])],
        ),
        (
            {"jsonData": {"classes": [1, 2], "why": {"a": 1}, "text": "x"}},
            [
                output("classes", "INT64", [2, 1], [1, 2]),
                output("why", "BYTES", [1, 1], ['{"a": 1}']),
                output("text", "BYTES", [1, 1], ["x"]),
            ],
        ),
        ({"strData": "x"}, [output("output-1", "BYTES", [1, 1], ["x"])]),
    ],
    ids=["matrix", "table", "vector", "tensor", "FP32", "dict", "text"],
)
def test_an_answer_is_compared_in_the_shape_of_the_expected_one(
    expected: dict[str, Any], outputs: list[dict[str, Any]]
) -> None:
    assert response(expected, {"outputs": outputs}) == expected


@pytest.mark.parametrize("answer", [None, {}, {"outputs": []}, {"outputs": 3}])
def test_what_is_no_answer_has_nothing_to_compare(answer: Any) -> None:
    assert response({"data": {"ndarray": []}}, answer) == {}
