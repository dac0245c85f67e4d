from __future__ import annotations

from pathlib import Path

import pytest

from server import mlmodel
from server.environment import flavors, specification
from server.settings import EnvironmentSettings

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
