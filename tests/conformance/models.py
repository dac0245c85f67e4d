"""The models that are served three times."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.project import MODELS

FEATURES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
CLASSES = ["Class_0", "Class_1", "Class_2"]
ROWS = [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]

SVM = MODELS / "iris_svm_model"
SCALER = MODELS / "iris_preprocessor_model"
POSTPROCESSOR = MODELS / "iris_postprocessor_model"


def echo(folder: Path) -> Path:
    """Return a model folder with the model of echo.py, made in ``folder``."""
    model = folder / "echo"
    code = model / "code"
    code.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("echo.py"), code / "conformance_echo.py")
    script = (
        f"import pickle, sys; sys.path.insert(0, {str(code)!r}); import conformance_echo\n"
        f"pickle.dump(conformance_echo.Echo(), open({str(model / 'model.pkl')!r}, 'wb'), protocol=4)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    (model / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n"
    )
    return model
