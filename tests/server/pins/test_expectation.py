from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadExpectation
from server.pins.expectation import Expectation, differences, places, read

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert differences(value, value) == []


@pytest.mark.parametrize(
    ("expected", "answer", "found"),
    [
        ([[1.0, 2.0]], [[1.0 + 0.9e-9, 2]], []),
        ([[1.0, 2.0]], [[1.0, 2.0 + 2e-9]], ["data[0][1] is 2.000000002: must be 2.0 to 1e-09"]),
        ([1.0], [1.0, 2.0], ["data has 2 entries: must be 1"]),
        (1, True, ["data is True: must be 1"]),
        (["Class_0"], ["class_0"], ["data[0] is 'class_0': must be 'Class_0'"]),
        ([1.0], None, ["data is None: must be [1.0]"]),
        (
            {"names": [], "ndarray": [1.0]},
            {"names": [], "tensor": [1.0]},
            ["data.ndarray is missing", "data.tensor is not expected"],
        ),
    ],
)
def test_a_difference_names_its_place(expected: Any, answer: Any, found: list[str]) -> None:
    assert differences(expected, answer, "data") == found


def test_a_tolerance_widens_what_is_the_same() -> None:
    expected = Expectation({}, {"data": {"ndarray": [1.0]}}, 1e-3)
    assert expected.differences({"data": {"ndarray": [1.0009]}, "meta": {}}) == []
    assert expected.differences({"data": {"ndarray": [1.002]}}) == [
        "data.ndarray[0] is 1.002: must be 1.0 to 0.001"
    ]
    assert expected.differences(None) == ["data is None: must be {'ndarray': [1.0]}"]


def test_what_varies_must_be_there_and_may_be_anything() -> None:
    expected = Expectation({}, {"jsonData": {"id": "a", "says": ["hi"]}}, varies=("jsonData.id",))
    assert expected.differences({"jsonData": {"id": 7, "says": ["hi"]}}) == []
    assert expected.differences({"jsonData": {"id": "a", "says": ["ho"]}}) == [
        "jsonData.says[0] is 'ho': must be 'hi'"
    ]
    assert expected.differences({"jsonData": {"says": ["hi"]}}) == ["jsonData.id is missing"]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"a": [1, {"id": "x"}]}, {"a": [1, {"id": "y"}]}, ["jsonData.a[1].id"]),
        ([1.0, 2.0], [1.0 + 1e-10, 3.0], ["jsonData[1]"]),
        ({"a": [1]}, {"a": [1, 2]}, ["jsonData.a"]),
        ({"a": 1}, {"b": 1}, ["jsonData"]),
        ({"a": None}, {"a": None}, []),
    ],
    ids=["inside", "number", "length", "keys", "same"],
)
def test_two_answers_differ_in_places(first: Any, second: Any, found: list[str]) -> None:
    assert places(first, second, "jsonData") == found


def test_a_file_may_name_no_request(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text('{"request": null, "response": null}')
    assert read(file) is None
    file.write_text('{"request": {}, "response": null}')
    with pytest.raises(BadExpectation):
        read(file)


def test_what_varies_is_a_list_of_places(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text('{"request": {}, "response": {}, "varies": "jsonData.id"}')
    with pytest.raises(BadExpectation) as caught:
        read(file)
    assert str(caught.value) == (
        f"{file}: varies is 'jsonData.id': must be a list of places, such as jsonData.id"
    )


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_named_with_its_place(constant: str, tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text('{"request": {"data": {"ndarray": [[1, ' + constant + ']]}}, "response": {}}')
    message = (
        f"{file}: request.data.ndarray[0][1] is {constant}, which is no JSON; write null, which stands for a gap in "
        "requests and answers"
    )
    with pytest.raises(BadExpectation) as caught:
        read(file)
    assert str(caught.value) == message


def test_a_file_says_request_response_and_tolerance(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text('{"request": {"strData": "a"}, "response": {"strData": "b"}}')
    assert read(file) == Expectation({"strData": "a"}, {"strData": "b"}, 1e-9)
    file.write_text('{"request": {}, "response": {}, "tolerance": 1e-5}')
    assert read(file).tolerance == 1e-5


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadExpectation) as error:
        read(tmp_path / "expected.json")
    assert str(error.value) == (
        f"{tmp_path}/expected.json: there is no such file; add one with a request and the model's response"
    )


@pytest.mark.parametrize("text", ["", "[]", '{"request": {}}', '{"request": {}, "response": 1}'])
def test_a_file_without_request_and_response_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "expected.json").write_text(text)
    with pytest.raises(BadExpectation) as error:
        read(tmp_path / "expected.json")
    assert str(error.value) == (
        f"{tmp_path}/expected.json: must be a JSON object with the objects request and response, or null as both"
    )


@pytest.mark.parametrize(
    ("text", "shown"), [('"much"', "'much'"), ("-1", "-1"), ("NaN", "nan"), ("true", "True")]
)
def test_a_tolerance_that_is_none(tmp_path: Path, text: str, shown: str) -> None:
    (tmp_path / "expected.json").write_text(f'{{"request": {{}}, "response": {{}}, "tolerance": {text}}}')
    with pytest.raises(BadExpectation) as error:
        read(tmp_path / "expected.json")
    assert (
        str(error.value) == f"{tmp_path}/expected.json: tolerance is {shown}: must be a number of 0 or more"
    )
