"""What a promotion asks a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadArgument, NoExample
from gitops.promote.example import Example, ExampleRequest, choose, from_argument, from_overlay

URI = "s3://models/churn"
OWN = {"columns": ["a"], "data": [[number] for number in range(20)]}
LAST = Example({"strData": "last"}, "the request of overlays/churn/expected.json")


def model(folder: Path, example: object = None, inputs: list[dict[str, Any]] | None = None) -> Path:
    said: dict[str, Any] = {"flavors": {"python_function": {"loader_module": "mlflow.pyfunc.model"}}}
    if inputs:
        said["signature"] = {"inputs": json.dumps(inputs)}
    if example is not None:
        kind = "dataframe" if isinstance(example, dict) and "data" in example else "json_object"
        said["saved_input_example_info"] = {"artifact_path": "input_example.json", "type": kind}
        (folder / "input_example.json").write_text(json.dumps(example))
    (folder / "MLmodel").write_text(json.dumps(said))
    return folder


def test_its_own_input_example_counts_before_the_last_request(tmp_path: Path) -> None:
    first = {"data": {"names": ["a"], "ndarray": [[number] for number in range(10)]}}
    assert choose(model(tmp_path, OWN), URI, None, LAST) == ExampleRequest(first, "its own input example")


def test_what_is_said_counts_before_its_own_example_and_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([[number] for number in range(20)]))
    chosen = choose(
        model(tmp_path, OWN, [{"type": "long", "name": "a"}]), URI, from_argument(str(file)), LAST
    )
    rows = [[number] for number in range(20)]
    assert chosen == ExampleRequest({"data": {"names": ["a"], "ndarray": rows}}, f"EXAMPLE '{file}'")


def test_none_asks_for_no_answer_whatever_there_is(tmp_path: Path) -> None:
    assert choose(model(tmp_path, OWN), URI, from_argument("none"), LAST) == ExampleRequest(
        None, "EXAMPLE 'none'"
    )


def test_the_last_request_counts_where_there_is_no_other(tmp_path: Path) -> None:
    assert choose(model(tmp_path), URI, None, LAST) == ExampleRequest({"strData": "last"}, LAST.origin)


def test_without_any_both_ways_are_said(tmp_path: Path) -> None:
    with pytest.raises(NoExample) as refused:
        choose(model(tmp_path), URI, None, None)
    assert str(refused.value) == (
        f"{URI}: has no input example, so nothing says what it must answer; log it again with input_example=…, or give a "
        "request by EXAMPLE=file.json, or say EXAMPLE=none, and no answer is compared; nothing is changed"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"request": {"strData": "a"}, "response": {"strData": "b"}}', {"strData": "a"}),
        ('{"request": null, "response": null}', None),
    ],
    ids=["a-request", "none"],
)
def test_an_overlay_keeps_what_it_was_promoted_with(tmp_path: Path, text: str, said: Any) -> None:
    (tmp_path / "expected.json").write_text(text)
    found = from_overlay(tmp_path, "overlays/churn")
    assert found == Example(said, "the request of overlays/churn/expected.json")


def test_an_overlay_that_was_never_promoted_keeps_nothing(tmp_path: Path) -> None:
    assert from_overlay(tmp_path, "overlays/churn") is None


@pytest.mark.parametrize(
    ("example", "inputs", "asked"),
    [
        (["a"] * 20, [{"type": "string", "required": True}], {"inputs": ["a"] * 10}),
        ([0.5] * 20, [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [20]}}], {"inputs": [0.5] * 20}),
        ([0.5] * 20, None, {"inputs": [0.5] * 20}),
        ({"a": [1] * 20, "b": [2] * 20}, None, {"inputs": {"a": [1] * 10, "b": [2] * 10}}),
        ({"messages": [{"role": "user", "content": "hi"}] * 20}, None,
         {"messages": [{"role": "user", "content": "hi"}] * 20}),
    ],
    ids=["texts", "fixed-length", "one-value", "columns", "chat"],
)  # fmt: skip
def test_a_long_example_is_cut_where_its_rows_are_known(
    tmp_path: Path, example: Any, inputs: Any, asked: Any
) -> None:
    assert choose(model(tmp_path, example, inputs), URI, None, None).message == {"jsonData": asked}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read (No such file or directory); name a file of JSON, or say none"),
        ("[1,", "is no JSON: "),
        ("[]", "holds no values; write a Seldon message, "),
        ("null", "holds no values; write a Seldon message, "),
    ],
    ids=["missing", "cut", "empty", "null"],
)
def test_a_file_that_is_no_example(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "rows.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadArgument) as refused:
        from_argument(str(file))
    assert str(refused.value).startswith(f"EXAMPLE '{file}': {said}")
