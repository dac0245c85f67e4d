"""What an MLmodel file says."""

from __future__ import annotations

import json

import pytest

from server import mlmodel
from server.errors import NotAModel
from server.mlmodel.signature import Column, Tensor
from tests.project import MODELS


def test_a_model_that_mlflow_logged():
    model = mlmodel.read(MODELS / "iris_svm_model")
    assert set(model.flavors) == {"python_function", "sklearn"}
    assert model.inputs.columns[0] == Column("sepal length (cm)", "double")
    assert model.outputs.names == ["Class_0", "Class_1", "Class_2"]
    assert model.python_version.count(".") == 2
    assert model.input_example["artifact_path"] == "input_example.json"


def test_a_model_without_python_function_knows_its_python_from_python_env():
    model = mlmodel.read(MODELS / "iris_preprocessor_model")
    assert "python_function" not in model.flavors
    assert model.python_version == mlmodel.read(MODELS / "iris_svm_model").python_version


def write(folder, text):
    (folder / "MLmodel").write_text(text)
    return folder


def signed(inputs):
    return f"flavors: {{sklearn: {{}}}}\nsignature:\n  inputs: '{json.dumps(inputs)}'\n"


def test_versions_are_text_even_where_yaml_sees_a_number(tmp_path):
    text = "mlflow_version: 2.10\nflavors:\n  python_function: {python_version: 3.10}\n"
    model = mlmodel.read(write(tmp_path, text))
    assert (model.mlflow_version, model.python_version) == ("2.10", "3.10")


def test_tensors(tmp_path):
    entry = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}
    schema = mlmodel.read(write(tmp_path, signed([entry]))).inputs
    assert schema.tensors == (Tensor(None, "float32", (-1, 28, 28)),)
    assert schema.names is None


def test_optional_and_compound_columns(tmp_path):
    entries = [
        {"type": "string", "name": "a", "required": False},
        {"type": "long", "name": "b", "optional": True},
        {"type": "array", "name": "c", "items": {"type": "double"}},
    ]
    a, b, c = mlmodel.read(write(tmp_path, signed(entries))).inputs.columns
    assert (a.required, b.required, c.required) == (False, False, True)
    assert c.type == entries[2]


BROKEN = {
    "not-yaml": ("flavors: [", "{folder}/MLmodel: is not YAML (while parsing a flow node"),
    "list": ("- a", "{folder}/MLmodel: must be a mapping, is list; log the model again"),
    "no-flavors": (
        "run_id: a",
        "{folder}/MLmodel: must have flavors, a mapping with at least one flavour; log the model again",
    ),
    "signature-text": (
        "flavors: {sklearn: {}}\nsignature: a",
        "{folder}/MLmodel: signature must be a mapping with inputs and outputs; log the model again",
    ),
    "inputs-not-json": (
        "flavors: {sklearn: {}}\nsignature: {inputs: '['}",
        "{folder}/MLmodel: signature.inputs is not JSON text; log the model again",
    ),
    "inputs-no-list": (
        "flavors: {sklearn: {}}\nsignature: {inputs: '3'}",
        "{folder}/MLmodel: signature.inputs must be a JSON list of objects; log the model again",
    ),
    "column-without-type": (
        signed([{"name": "a"}]),
        "{folder}/MLmodel: signature.inputs has an entry without 'type'; log the model again",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused(tmp_path, text, message):
    with pytest.raises(NotAModel) as caught:
        mlmodel.read(write(tmp_path, text))
    assert str(caught.value).startswith(message.format(folder=tmp_path))


def test_a_folder_without_one_is_refused(tmp_path):
    with pytest.raises(NotAModel, match="no MLmodel file in "):
        mlmodel.read(tmp_path)
