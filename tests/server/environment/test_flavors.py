from __future__ import annotations

import json
from pathlib import Path

import pytest

from server import mlmodel
from server.environment import flavors, specification
from server.environment.build import build
from server.settings import EnvironmentSettings
from tests.server.environment import making

COLUMNS = """signature: {inputs: '[{"type": "double", "name": "x"}]'}\n"""
TENSOR = (
    """signature: {inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 1]}}]'}\n"""
)
PYFUNC = "{loader_module: mlflow.x, python_version: 3.11.0}"


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("sklearn: {sklearn_version: 1.5.2, serialization_format: pickle}", ["scikit-learn==1.5.2"]),
        (
            "sklearn: {sklearn_version: 1.5.2, serialization_format: cloudpickle}",
            ["scikit-learn==1.5.2", "cloudpickle"],
        ),
        (
            "sklearn: {sklearn_version: 1.5.2, serialization_format: skops}",
            ["scikit-learn==1.5.2", "skops"],
        ),
        ("sklearn: {}", ["scikit-learn"]),
        ("pytorch: {pytorch_version: 2.3.1+cu121}", ["torch==2.3.1"]),
        ("tensorflow: {keras_version: 2.15.0}", ["tensorflow==2.15.0"]),
        ("xgboost: {xgb_version: 2.1.0, model_class: xgboost.core.Booster}", ["xgboost==2.1.0"]),
        (
            "xgboost: {xgb_version: 2.1.0, model_class: xgboost.sklearn.XGBClassifier}",
            ["xgboost==2.1.0", "scikit-learn"],
        ),
        (
            "lightgbm: {lgb_version: 4.5.0, model_class: lightgbm.sklearn.LGBMRegressor}",
            ["lightgbm==4.5.0", "scikit-learn", "cloudpickle"],
        ),
        ("lightgbm: {lgb_version: 4.5.0, model_class: lightgbm.basic.Booster}", ["lightgbm==4.5.0"]),
        ("onnx: {onnx_version: 1.16.1}", ["onnx==1.16.1", "onnxruntime"]),
        ("python_function: {cloudpickle_version: 3.0.0}", ["cloudpickle==3.0.0"]),
        (f"python_function: {PYFUNC}\n  unheard_of: {{}}", []),
        (
            "keras: {keras_version: 3.4.1}\n  sklearn: {sklearn_version: 1.5.2}",
            ["keras==3.4.1", "scikit-learn==1.5.2"],
        ),
    ],
)
def test_needed(tmp_path: Path, text: str, needed: list[str]) -> None:
    (tmp_path / "MLmodel").write_text(f"flavors:\n  {text}\n")
    assert [entry.text for entry in flavors.needed(mlmodel.read(tmp_path)).entries] == needed


def test_reason(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  sklearn: {sklearn_version: 1.5.2}\n")
    assert [str(entry) for entry in flavors.needed(mlmodel.read(tmp_path)).entries] == [
        "added, since the model lists no requirements and has the flavour sklearn: scikit-learn==1.5.2"
    ]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        (COLUMNS + "mlflow_version: 2.9.2\n", ["scikit-learn==1.5.2", "pandas<3"]),
        (COLUMNS + "mlflow_version: 3.17.2\n", ["scikit-learn==1.5.2", "pandas"]),
        # As old as can be.
        (COLUMNS, ["scikit-learn==1.5.2", "pandas<3"]),
        (TENSOR, ["scikit-learn==1.5.2"]),
        ('signature: {outputs: \'[{"type": "double"}]\'}\n', ["scikit-learn==1.5.2"]),
    ],
)
def test_pandas_for_columns(tmp_path: Path, text: str, needed: list[str]) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  sklearn: {sklearn_version: 1.5.2}\n" + text)
    assert [entry.text for entry in flavors.needed(mlmodel.read(tmp_path)).entries] == needed


def test_pandas_for_columns_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  sklearn: {sklearn_version: 1.5.2}\n" + COLUMNS)
    caplog.set_level("INFO")
    specification.read(mlmodel.read(tmp_path)).check(EnvironmentSettings())
    assert caplog.messages == [
        "added, since the model lists no requirements and has the flavour sklearn: scikit-learn==1.5.2",
        "added, since the model lists no requirements and has a signature of columns, for which xtype DataFrame needs it: "
        "pandas<3",
    ]


def test_pandas_is_for_models_without_a_list(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors:\n  sklearn: {sklearn_version: 1.5.2}\n" + COLUMNS)
    (tmp_path / "requirements.txt").write_text("scikit-learn==1.5.2\n")
    assert specification.read(mlmodel.read(tmp_path)).requirements.names == {"scikit-learn"}


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


@pytest.mark.parametrize(
    ("listed", "mlflow", "expected"),
    [
        (
            "mlflow-skinny==2.9.2\nsetuptools\nnumpy\npandas",
            "2.9.2",
            ["setuptools<81", "numpy<2", "pandas<3"],
        ),
        (
            "mlflow-skinny==2.9.2\nsetuptools>=65,!=70\nnumpy>1.20\nPandas[parquet]>=1",
            "2.9.2",
            ["setuptools<81", "numpy<2", "pandas<3"],
        ),
        ("mlflow==2.9.2\nsetuptools\nnumpy\npandas", "2.9.2", ["setuptools<81"]),
        ("mlflow-skinny==3.5.0\nsetuptools\nnumpy\npandas", "3.5.0", ["pandas<3"]),
        ("mlflow-skinny==3.17.2\nsetuptools\nnumpy\npandas", "3.17.2", []),
        # MLflow adds itself to what was logged with mlflow-skinny, and both install the same files.
        ("mlflow\nmlflow-skinny==3.5.0", "3.5.0", ["mlflow==3.5.0"]),
        ("mlflow-skinny\nmlflow==3.5.0", "3.5.0", ["mlflow-skinny==3.5.0"]),
        ("mlflow==3.4.0\nmlflow-skinny==3.5.0", "3.5.0", []),
        ("mlflow<3.4\nmlflow-skinny==3.5.0", "3.5.0", []),
        ("mlflow\nmlflow-skinny", "3.5.0", []),
        # The model says itself how new they may be.
        ("mlflow-skinny==2.9.2\nsetuptools<=82\nnumpy==2.1.0\npandas~=3.0", "2.9.2", []),
        ("mlflow-skinny==2.9.2\nsetuptools>=81\nnumpy>=2.1\npandas>3", "2.9.2", []),
        (
            "mlflow-skinny==2.9.2\nsetuptools @ https://localhost/setuptools-82.zip\nnumpy==1.*\npandas<2",
            "2.9.2",
            [],
        ),
        ("-c limits.txt\nmlflow-skinny==2.9.2\nsetuptools\nnumpy==1.26.4\npandas<2", "2.9.2", []),
    ],
)
def test_limits_of_what_is_listed(tmp_path: Path, listed: str, mlflow: str, expected: list[str]) -> None:
    model = making.model(tmp_path, listed, text=making.PYFUNC, mlflow=mlflow)
    (model / "limits.txt").write_text("setuptools==82.0\n")
    constraints = specification.read(mlmodel.read(model)).requirements.constraints
    assert [entry.text for entry in constraints if entry.added] == expected
    assert added(tmp_path, listed, making.PYFUNC, mlflow) == []


def test_limits_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = making.model(tmp_path, "mlflow-skinny==2.9.2\nsetuptools\nnumpy\npandas<3", text=making.PYFUNC)
    caplog.set_level("INFO")
    specification.read(mlmodel.read(model)).check(EnvironmentSettings())
    assert caplog.messages == [
        "limited, since MLflow 2.9.2 imports pkg_resources, which newer ones do not have: setuptools<81",
        "limited, since MLflow 2.9.2 does not work with newer ones: numpy<2",
    ]


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


def test_limits_are_installed_and_recorded(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = [making.wheel(tmp_path, "setuptools", version) for version in ("80.0", "82.0")]
    wheels.append(making.wheel(tmp_path, "mlflow", "2.9.2"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", *wheels))
    model = making.model(tmp_path / "model", "mlflow==2.9.2\nsetuptools\n")
    final = build(model, tmp_path / "env", EnvironmentSettings())
    record = json.loads((final / "environment.json").read_text())
    assert record["packages"] == {"mlflow": "2.9.2", "setuptools": "80.0"}
    assert record["added"] == {
        "setuptools<81": ("limited, since MLflow 2.9.2 imports pkg_resources, which newer ones do not have")
    }
