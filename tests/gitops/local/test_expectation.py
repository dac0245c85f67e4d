from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import BadManifest
from gitops.local import expectation
from gitops.local.expectation import differences

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


def test_every_file_of_an_overlay_is_needed(tmp_path: Path) -> None:
    with pytest.raises(BadManifest) as error:
        expectation.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/expected.json: there is no such file; add one with a request and the model's response"
    )


@pytest.mark.parametrize("text", ["", "[]", '{"request": {}}', '{"request": {}, "response": 1}'])
def test_a_file_without_request_and_response_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "expected.json").write_text(text)
    with pytest.raises(BadManifest) as error:
        expectation.read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/expected.json: must be a JSON object with the objects request and response"
    )
