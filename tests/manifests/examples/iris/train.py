"""Train the three iris models of the overlays and log them with MLflow.

    python examples/iris/train.py DEST

The preprocessor is a StandardScaler of the raw measurements, the model an SVC
with default settings on the scaled rows, and the postprocessor a StandardScaler
of the model's decision function. Data: scikit-learn's iris set, 150 rows of 4.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature, update_model_requirements
from mlflow.types import ColSpec, DataType, Schema
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

CLASSES = ["Class_0", "Class_1", "Class_2"]
ROWS = np.array([[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]])
# What the models import and nothing else: MLflow's own list would bring all of mlflow.
REQUIREMENTS = [f"{name}=={version(name)}" for name in ("numpy", "pandas", "scikit-learn", "skops")]


def columns(names: list[str]) -> Schema:
    """Return a schema of required float64 columns with these names."""
    return Schema([ColSpec(DataType.double, name) for name in names])


def train() -> dict[str, tuple[Any, ModelSignature, pd.DataFrame]]:
    """Return, by model folder, the estimator, its signature and an input example of two rows."""
    iris = load_iris(as_frame=True)
    features = list(iris.data.columns)
    preprocessor = StandardScaler().set_output(transform="default").fit(iris.data)
    scaled = pd.DataFrame(preprocessor.transform(iris.data), columns=features)
    model = SVC().fit(scaled, iris.target)
    scores = pd.DataFrame(model.decision_function(scaled), columns=CLASSES)
    postprocessor = StandardScaler().fit(scores)

    rows = pd.DataFrame(ROWS, columns=features)
    scaled_rows = pd.DataFrame(preprocessor.transform(rows), columns=features)
    score_rows = pd.DataFrame(model.decision_function(scaled_rows), columns=CLASSES)
    return {
        "iris_preprocessor_model": (
            preprocessor,
            ModelSignature(inputs=columns(features), outputs=columns(features)),
            rows,
        ),
        "iris_svm_model": (
            model,
            ModelSignature(inputs=columns(features), outputs=columns(CLASSES)),
            scaled_rows,
        ),
        "iris_postprocessor_model": (
            postprocessor,
            ModelSignature(inputs=columns(CLASSES), outputs=columns(CLASSES)),
            score_rows,
        ),
    }


def log(dest: Path) -> None:
    """Save the models below ``dest`` and log them to a run of a throw-away tracking store."""
    # A store of files needs no database; this one lives for seconds.
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    with tempfile.TemporaryDirectory() as scratch:
        mlflow.set_tracking_uri(Path(scratch).as_uri())
        mlflow.set_experiment("iris")
        with mlflow.start_run() as run:
            for name, (estimator, signature, example) in train().items():
                folder = dest / name
                shutil.rmtree(folder, ignore_errors=True)
                mlflow.sklearn.save_model(
                    estimator,
                    folder,
                    mlflow_model=Model(artifact_path=name, run_id=run.info.run_id),
                    serialization_format="skops",
                    signature=signature,
                    input_example=example,
                    pip_requirements=REQUIREMENTS,
                )
                # MLflow adds itself to every list; a model that is loaded natively does not import it.
                update_model_requirements(str(folder), "remove", ["mlflow"])
                mlflow.log_artifacts(str(folder), name)


if __name__ == "__main__":
    log(Path(sys.argv[1]))
