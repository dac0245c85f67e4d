"""Input examples as MLflow's versions write them, as requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server import mlmodel
from server.api.openapi import openapi
from server.mlmodel import Model
from server.mlmodel.load_plan import input_type
from server.protocol.input_example import example, message
from server.protocol.json_codec import decode
from server.schema.arguments import arguments
from server.schema.json_data import tabled
from tests.server.api.test_openapi_document import fits

MLMODEL = {"flavors": {"python_function": {"loader_module": "mlflow.pyfunc.model"}}}
AB = [{"type": "double", "name": "a"}, {"type": "string", "name": "b"}]
XY = [
    {"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}},
    {"name": "y", "type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}},
]
TEXTS = [{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]
STRING = [{"type": "string", "required": True}]
MAP = [{"type": "object", "properties": {"a": {"type": "long"}}, "required": True}]
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


def model(
    folder: Path, info: dict[str, Any] | None = None, inputs: list[dict[str, Any]] | None = None
) -> Model:
    signature = {"signature": {"inputs": json.dumps(inputs)}} if inputs else {}
    said = {"saved_input_example_info": {"artifact_path": "input_example.json", **info}} if info else {}
    (folder / "MLmodel").write_text(json.dumps({**MLMODEL, **signature, **said}))
    return mlmodel.read(folder)


FRAME = {"type": "dataframe", "pandas_orient": "split"}
VALUES = {"type": "dataframe", "pandas_orient": "values"}
TF = {"type": "ndarray", "format": "tf-serving"}
ARRAY, JSON = {"type": "ndarray"}, {"type": "json_object"}
# What the file holds, and beside it what MLflow 2.16 and later say that its own server is sent.
CASES = [
    ("frame", FRAME, AB, '{"columns": ["a", "b"], "data": [[1.5, "x"], [NaN, "y"]]}', "dataframe_split",
     {"data": {"names": ["a", "b"], "ndarray": [[1.5, "x"], [None, "y"]]}}),
    ("frame-of-integer-columns", FRAME, None, '{"columns": [5, 7], "data": [[1.0, 2.0]]}', "dataframe_split",
     {"data": {"names": ["5", "7"], "ndarray": [[1.0, 2.0]]}}),
    ("frame-of-counted-columns", VALUES, None, '{"data": [[1.0, 2.0]]}', "dataframe_split",
     {"data": {"ndarray": [[1.0, 2.0]]}}),
    ("array", ARRAY, None, "[[1.0, null], [3.0, 4.0]]", "inputs", {"data": {"ndarray": [[1.0, None], [3.0, 4.0]]}}),
    ("array-of-tf-serving", TF, None, '{"inputs": [[1.0], [NaN]]}', "", {"data": {"ndarray": [[1.0], [None]]}}),
    ("array-of-three-axes", ARRAY, None, "[[[1.0], [2.0]]]", "inputs", {"data": {"ndarray": [[[1.0], [2.0]]]}}),
    ("array-for-named-columns", ARRAY, AB, '[[1.0, "x"]]', "inputs",
     {"data": {"names": ["a", "b"], "ndarray": [[1.0, "x"]]}}),
    ("texts-in-an-array", ARRAY, TEXTS, '["good", "bad"]', "inputs", {"jsonData": {"inputs": ["good", "bad"]}}),
    ("tensors", ARRAY, XY, '{"x": [[1.0, 1.0]], "y": [1]}', "inputs",
     {"jsonData": {"inputs": {"x": [[1.0, 1.0]], "y": [1]}}}),
    ("object", JSON, AB, '{"a": 1, "b": "t"}', "inputs", {"jsonData": {"dataframe_records": [{"a": 1, "b": "t"}]}}),
    ("object-without-signature", JSON, None, '{"a": 1, "b": [1, 2]}', "inputs", {"jsonData": {"a": 1, "b": [1, 2]}}),
    ("object-of-a-type-hint", JSON, MAP, '{"a": 1}', "inputs", {"jsonData": {"inputs": [{"a": 1}]}}),
    ("columns", JSON, AB, '{"a": [1, 2], "b": ["x", "y"]}', "inputs",
     {"jsonData": {"inputs": {"a": [1, 2], "b": ["x", "y"]}}}),
    ("objects", JSON, MAP, '[{"a": 1}, {"a": 2}]', "inputs", {"jsonData": {"inputs": [{"a": 1}, {"a": 2}]}}),
    ("texts", JSON, STRING, '["a", "b"]', "inputs", {"jsonData": {"inputs": ["a", "b"]}}),
    ("text", JSON, STRING, '"hello"', "inputs", {"strData": "hello"}),
    ("number", JSON, None, "5", "inputs", {"jsonData": {"inputs": 5}}),
    ("chat", JSON, None, json.dumps(CHAT), "itself", {"jsonData": CHAT}),
    ("lists-of-a-type-hint", JSON, [{"type": "array", "items": {"type": "double"}}], "[[1.0, 2.0], [3.0]]", "inputs",
     {"jsonData": {"inputs": [[1.0, 2.0], [3.0]]}}),
    ("rows-of-a-matrix", {"type": "sparse_matrix_csr"}, None,
     '{"data": [1.0, 2.0], "indices": [1, 0], "indptr": [0, 1, 2], "shape": [2, 2]}', "",
     {"data": {"ndarray": [[0.0, 1.0], [2.0, 0.0]]}}),
    ("columns-of-a-matrix", {"type": "sparse_matrix_csc"}, None,
     '{"data": [2.0, 1.0], "indices": [1, 0], "indptr": [0, 1, 2], "shape": [2, 2]}', "",
     {"data": {"ndarray": [[0.0, 1.0], [2.0, 0.0]]}}),
]  # fmt: skip


FORMS = [
    pytest.param(*case, beside, id=f"{name}-{'with-serving-input' if beside else 'alone'}")
    for name, *case in CASES
    for beside in (False, True)
    if case[3] or not beside
]


@pytest.mark.parametrize(("info", "inputs", "file", "form_", "asked", "beside"), FORMS)
def test_an_example_is_a_request_that_the_server_takes(
    tmp_path: Path, info: dict[str, Any], inputs: Any, file: str, form_: str, asked: Any, beside: bool
) -> None:
    (tmp_path / "input_example.json").write_text(file)
    if beside:
        info = {**info, "serving_input_path": "serving_input_example.json"}
        text = file if form_ == "itself" else f'{{"{form_}": {file}}}'
        (tmp_path / "serving_input_example.json").write_text(text)
        (tmp_path / "input_example.json").write_text("{")
    read = model(tmp_path, info, inputs)
    found = example(read)
    assert found == asked
    chosen = input_type(read, "auto")
    assert arguments(tabled(decode(found), nested=chosen.nested), read.inputs, chosen)
    assert fits(openapi("model", "1", read.inputs, None, chosen, found), found)


@pytest.mark.parametrize(
    ("info", "file", "served", "asked"),
    [
        (FRAME, {"columns": ["a"], "data": [[1]]}, {"dataframe_split": {"columns": ["a"], "data": [[1]]}, "params": {"k": 2}},
         {"jsonData": {"dataframe_split": {"columns": ["a"], "data": [[1]]}, "params": {"k": 2}}}),
        (ARRAY, [[1.0]], {"inputs": [[1.0]], "params": {"k": 2}}, {"jsonData": {"inputs": [[1.0]], "params": {"k": 2}}}),
        (JSON, "a", {"inputs": "a", "params": {"k": 2}}, {"jsonData": {"inputs": "a", "params": {"k": 2}}}),
        (JSON, CHAT, {**CHAT, "k": 2}, {"jsonData": {**CHAT, "k": 2}}),
    ],
    ids=["frame", "array", "text", "chat"],
)  # fmt: skip
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with-serving-input"])
def test_its_parameters_are_sent_too(
    tmp_path: Path, info: dict[str, Any], file: Any, served: Any, asked: Any, beside: bool
) -> None:
    (tmp_path / "input_example.json").write_text(json.dumps({"inputs": file, "params": {"k": 2}}))
    if beside:
        info = {**info, "serving_input_path": "serving_input_example.json"}
        (tmp_path / "serving_input_example.json").write_text(json.dumps(served))
    assert example(model(tmp_path, {**info, "params": "true"})) == asked


def test_the_example_counts_where_its_serving_input_is_gone(tmp_path: Path) -> None:
    (tmp_path / "input_example.json").write_text("[[1.0]]")
    info = {**ARRAY, "serving_input_path": "serving_input_example.json"}
    assert example(model(tmp_path, info)) == {"data": {"ndarray": [[1.0]]}}


@pytest.mark.parametrize("file", ["{", "[", '{"index": [0]}'], ids=["no-json", "cut", "no-data"])
def test_a_broken_example_is_passed_over(tmp_path: Path, file: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "input_example.json").write_text(file)
    info = {**FRAME, "params": "true"} if file.startswith('{"') else FRAME
    assert example(model(tmp_path, info)) is None
    assert f"the input example {tmp_path}/input_example.json is passed over: " in caplog.text


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"data": {"ndarray": [[1, "x"]]}}, {"data": {"ndarray": [[1, "x"]]}}),
        ({"strData": "x", "meta": {}}, {"strData": "x", "meta": {}}),
        ({"instances": [{"a": 1}]}, {"jsonData": {"instances": [{"a": 1}]}}),
        ([[1, "x"]], {"data": {"names": ["a", "b"], "ndarray": [[1, "x"]]}}),
        ([1, "x"], {"data": {"names": ["a", "b"], "ndarray": [[1, "x"]]}}),
        ([{"a": 1, "b": "x"}], {"jsonData": {"inputs": [{"a": 1, "b": "x"}]}}),
        ({"a": 1, "b": "x"}, {"jsonData": {"a": 1, "b": "x"}}),
        ({"data": [1, 2]}, {"jsonData": {"data": [1, 2]}}),
        (CHAT, {"jsonData": CHAT}),
    ],
    ids=["data", "strData", "instances", "rows", "row", "objects", "object", "data-of-its-own", "chat"],
)
def test_what_somebody_gives_is_a_request(tmp_path: Path, given: Any, asked: Any) -> None:
    found = message(given, model(tmp_path, inputs=AB))
    assert found == asked
    assert decode(found)
