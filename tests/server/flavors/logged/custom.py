"""A custom PythonModel with code of its own, artifacts, parameters and a method beside predict.

python custom.py DEST REQUIREMENT…
"""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from record import Record, table

CODE = {
    "__init__.py": "",
    "weights.py": '"""Code that the model needs and no package has."""\n\n\n'
    "def weighed(frame, factor):\n    return frame.sum(axis=1) * factor\n",
}
SIGNATURE = ModelSignature(
    inputs=Schema(
        [ColSpec(DataType.double, "a"), ColSpec(DataType.double, "b"), ColSpec(DataType.string, "name")]
    ),
    params=ParamSchema([ParamSpec("more", DataType.double, 0.5)]),
)
ROWS = pd.DataFrame({"a": [1.5, 2.5], "b": [0.25, 0.75], "name": ["x", None]})


class Custom(mlflow.pyfunc.PythonModel):
    """Weighs rows by a factor from an artifact."""

    def load_context(self, context):
        self.factor = float(Path(context.artifacts["factor"]).read_text())

    def predict(self, context, model_input, params=None):
        from scoring.weights import weighed

        more = (params or {}).get("more", 0.0)
        score = weighed(model_input[["a", "b"]], self.factor) + more
        return pd.DataFrame({"name": model_input["name"], "score": score})

    def explain(self, context, model_input):
        return (model_input[["a", "b"]] * self.factor).to_numpy()


def main(dest: Path, requirements: list[str]) -> None:
    """Log the model."""
    package = dest / "scoring"
    package.mkdir()
    for name, text in CODE.items():
        (package / name).write_text(text)
    (dest / "factor.txt").write_text("3")
    folder = dest / "custom"
    mlflow.pyfunc.save_model(
        folder,
        python_model=Custom(),
        code_paths=[str(package)],
        artifacts={"factor": str(dest / "factor.txt")},
        signature=SIGNATURE,
        pip_requirements=requirements,
    )
    loaded = mlflow.pyfunc.load_model(str(folder))
    record = Record(folder)
    expected = loaded.predict(ROWS)
    expected = expected.astype(object).where(expected.notna(), None)
    record.add(table(ROWS), expected, xtype="DataFrame")
    record.add({"ndarray": table(ROWS)["ndarray"]}, expected)
    more = loaded.predict(ROWS, params={"more": 2.0})
    split = {"columns": table(ROWS)["names"], "data": table(ROWS)["ndarray"]}
    message = {"jsonData": {"dataframe_split": split, "params": {"more": 2}}}
    record.add(message, more.astype(object).where(more.notna(), None), xtype="DataFrame")
    explained = loaded.unwrap_python_model().explain(None, ROWS)
    record.add(table(ROWS), explained, xtype="DataFrame", predict_method="explain")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
