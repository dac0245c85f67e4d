"""What is read from a contract.json: a model's columns, types and packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadManifest
from gitops.manifests.contract import FILE, Column, read
from server.pins.contract import inspect
from server.settings import FetchSettings
from tests.gitops.diff.repository import contract
from tests.project import MANIFESTS


def write(folder: Path, content: Any) -> Path:
    (folder / FILE).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_what_inspect_says_of_a_model(tmp_path: Path) -> None:
    said = inspect(str(MANIFESTS / "examples/iris/models/iris_svm_model"), FetchSettings(), as_json=True)
    found = read(write(tmp_path, said))
    assert found is not None
    assert found.digest == json.loads(said)["digest"]
    assert found.inputs is not None
    assert found.inputs[0] == Column("sepal length (cm)", "double", required=True)
    assert found.outputs is not None
    assert [entry.label for entry in found.outputs] == ["Class_0", "Class_1", "Class_2"]
    assert found.methods == ("predict", "decision_function")
    assert sorted(found.flavors) == ["python_function", "sklearn"]
    assert "scikit-learn==1.9.1" in found.requirements


def test_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None


@pytest.mark.parametrize(
    ("entry", "column"),
    [
        (
            {"name": None, "type": "tensor", "dtype": "float32", "shape": [-1, 4]},
            ("unnamed (1)", "tensor of float32 [-1, 4]"),
        ),
        ({"name": "a", "type": "tensor"}, ("a", "tensor")),
        (
            {
                "name": "a",
                "type": {"type": "array", "items": {"type": "long"}, "name": "a", "required": False},
                "required": False,
            },
            ("a", '{"items": {"type": "long"}, "type": "array"}'),
        ),
    ],
)
def test_types_of_every_form(tmp_path: Path, entry: dict[str, Any], column: tuple[str, str]) -> None:
    signature = {"inputs": [entry], "outputs": None, "params": []}
    found = read(write(tmp_path, contract(signature=signature)))
    assert found is not None
    named = entry.get("name") is not None
    assert found.inputs == (Column(*column, required=entry.get("required", True), named=named),)
    assert found.outputs is None


def test_a_name_of_two_columns_is_told_by_its_place(tmp_path: Path) -> None:
    entries = [{"name": "a", "type": "long"}, {"name": "a", "type": "long"}]
    found = read(write(tmp_path, contract(signature={"inputs": entries})))
    assert found is not None
    assert [entry.label for entry in found.inputs or ()] == ["a (1)", "a (2)"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "{",
            "{}: is not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
        ),
        ([], "{}: must be an object, as `python -m server inspect --json` writes it"),
        (contract(digest=1), "{}: digest is 1: must be a string"),  # type: ignore[arg-type]
        (
            contract(signature={"inputs": [{"name": "a", "type": 1}]}),
            "{}: signature.inputs[0].type is 1: must be a string or an object",
        ),
    ],
)
def test_what_is_no_contract(tmp_path: Path, content: Any, message: str) -> None:
    write(tmp_path, content)
    with pytest.raises(BadManifest) as caught:
        read(tmp_path)
    assert str(caught.value) == message.format(tmp_path / FILE)
