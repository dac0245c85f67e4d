"""Models as MLflow 1.14 logs them: a conda.yaml and no requirements.txt, boosters without a class.

python classic.py DEST REQUIREMENT…
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import lightgbm
import mlflow.lightgbm
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from record import Record, table
from sklearn.ensemble import RandomForestClassifier

NAMES = ["a", "b", "c"]
CODE = '''"""Code that the model needs and no package has."""


def halved(values):
    return values / 2
'''


class Custom(mlflow.pyfunc.PythonModel):
    """A model with code and an artifact of its own."""

    def load_context(self, context):
        self.offset = float(Path(context.artifacts["offset"]).read_text())

    def predict(self, context, model_input):
        from halving import halved

        return halved(model_input[["a", "b"]]) + self.offset


def main(dest: Path, requirements: list[str]) -> None:
    """Log the models."""
    random = np.random.RandomState(0)
    rows = pd.DataFrame(random.normal(size=(60, 3)), columns=NAMES)
    classes = (rows["a"] + rows["b"] > 0).astype(int) + (rows["c"] > 1)
    few = rows[:5]
    conda = {"dependencies": [f"python={platform.python_version()}", "pip", {"pip": requirements}]}

    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(rows, classes)
    folder = dest / "classic_sklearn"
    mlflow.sklearn.save_model(forest, str(folder), conda_env=conda, signature=infer_signature(rows, classes))
    record = Record(folder)
    expected = mlflow.pyfunc.load_model(str(folder)).predict(few)
    record.add(table(few), expected, xtype="DataFrame")
    record.add({"ndarray": few.values.tolist()}, expected)
    record.add(table(few), forest.predict_proba(few), xtype="DataFrame", predict_method="predict_proba")

    booster = lightgbm.train(
        {"objective": "regression", "verbose": -1, "seed": 0, "num_threads": 1},
        lightgbm.Dataset(rows, label=classes, params={"verbose": -1}),
        num_boost_round=5,
    )
    folder = dest / "classic_lightgbm"
    mlflow.lightgbm.save_model(booster, str(folder), conda_env=conda)
    record = Record(folder)
    record.add(table(few), mlflow.pyfunc.load_model(str(folder)).predict(few), xtype="DataFrame")
    record.add({"ndarray": few.values.tolist()}, booster.predict(few.values))

    (dest / "halving.py").write_text(CODE)
    (dest / "offset.txt").write_text("0.25")
    folder = dest / "classic_python"
    mlflow.pyfunc.save_model(
        str(folder),
        python_model=Custom(),
        code_path=[str(dest / "halving.py")],
        artifacts={"offset": str(dest / "offset.txt")},
        conda_env=conda,
        signature=infer_signature(rows),
    )
    record = Record(folder)
    expected = mlflow.pyfunc.load_model(str(folder)).predict(few)
    record.add(table(few), expected, xtype="DataFrame")
    record.add({"ndarray": few.values.tolist()}, expected)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
