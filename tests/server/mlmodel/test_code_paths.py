"""What of a model's own code its process has on its path, by the MLflow that logged it."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import mlmodel
from server.mlmodel.load_plan import code

FLAVORS = "flavors: {python_function: {code: code}}\n"


def model(folder: Path, text: str) -> mlmodel.Model:
    for name in ("src", "tools", "__pycache__"):
        (folder / "code" / name).mkdir(parents=True)
    (folder / "code" / "scaling.py").touch()
    (folder / "MLmodel").write_text(text)
    return mlmodel.read(folder)


@pytest.mark.parametrize(
    ("mlflow", "first", "last"),
    [
        # None is recorded before 1.25.
        ("", ["code"], ["code/src", "code/tools"]),
        ("1.25.1", ["code"], ["code/src", "code/tools"]),
        ("1.26.0", ["code", "code/src", "code/tools"], []),
        ("2.0.1", ["code", "code/src", "code/tools"], []),
        ("2.1.0", ["code"], []),
        ("3.17.0", ["code"], []),
        ("of ours", ["code"], ["code/src", "code/tools"]),
    ],
)
def test_folders_are_on_the_path_as_that_mlflow_has_them(
    tmp_path: Path, mlflow: str, first: list[str], last: list[str]
) -> None:
    text = FLAVORS + (f"mlflow_version: {mlflow}\n" if mlflow else "")
    assert code(model(tmp_path, text)) == {"first": first, "last": last}


def test_a_folder_that_is_not_there_is_on_the_path_alone(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(FLAVORS)
    assert code(mlmodel.read(tmp_path)) == {"first": ["code"], "last": []}


def test_a_model_without_code(tmp_path: Path) -> None:
    assert code(model(tmp_path, "flavors: {python_function: {code: null}, sklearn: {}}\n")) is None
