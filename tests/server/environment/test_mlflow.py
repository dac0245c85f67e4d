from __future__ import annotations

from pathlib import Path

import pytest

from server import mlmodel
from server.environment import specification
from tests.server.environment import making


def added(folder: Path, requirements: str, text: str, mlflow: str) -> list[str]:
    model = making.model(folder, requirements, text=text, mlflow=mlflow)
    return [
        entry.text for entry in specification.read(mlmodel.read(model)).requirements.entries if entry.added
    ]


@pytest.mark.parametrize(
    ("listed", "mlflow", "expected"),
    [
        # The list has no mlflow: the recorded version, with what its pyfunc imports.
        ("six", "3.17.2", ["mlflow-skinny==3.17.2", "numpy", "pandas"]),
        ("six", "3.5.0", ["mlflow-skinny==3.5.0", "numpy", "pandas<3"]),
        ("six", "2.17.2", ["mlflow-skinny==2.17.2", "setuptools<81", "numpy", "pandas<3"]),
        ("six", "2.9.2", ["mlflow-skinny==2.9.2", "setuptools<81", "numpy<2", "pandas<3"]),
        # The list has some of it.
        ("mlflow-skinny==2.9.2\nPandas==1.5", "1.30.0", ["setuptools<81", "numpy<2"]),
        ("mlflow-skinny\nnumpy\npandas\nsetuptools==65", "2.9.2", []),
        ("mlflow[extras]==2.9.2", "2.9.2", ["setuptools<81"]),
        ("mlflow==3.1.0", "2.9.2", []),
    ],
)
def test_model_of_pyfunc(tmp_path: Path, listed: str, mlflow: str, expected: list[str]) -> None:
    assert added(tmp_path, listed, making.PYFUNC, mlflow) == expected


def test_version_is_not_recorded(tmp_path: Path) -> None:
    text = making.PYFUNC.replace("mlflow_version: MLFLOW\n", "")
    assert added(tmp_path, "six", text, "") == ["mlflow-skinny", "setuptools<81", "numpy<2", "pandas<3"]


@pytest.mark.parametrize(("listed", "expected"), [("scikit-learn", []), ("mlflow==2.9.2", ["setuptools<81"])])
def test_model_that_is_loaded_natively(tmp_path: Path, listed: str, expected: list[str]) -> None:
    assert added(tmp_path, listed, making.NATIVE, "") == expected


def test_reasons(tmp_path: Path) -> None:
    model = making.model(tmp_path, "six", text=making.PYFUNC, mlflow="2.9.2")
    entries = specification.read(mlmodel.read(model)).requirements.entries
    assert [str(entry) for entry in entries] == [
        "requirements.txt, line 1: six",
        "added, since mlflow.pyfunc loads the model and its requirements have no mlflow: mlflow-skinny==2.9.2",
        "added, since MLflow 2.9.2 imports pkg_resources, which newer ones do not have: setuptools<81",
        "added, since mlflow.pyfunc of MLflow 2.9.2 imports it: numpy<2",
        "added, since mlflow.pyfunc of MLflow 2.9.2 imports it: pandas<3",
    ]
