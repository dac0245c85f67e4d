"""Python functions that say what they get: columns of unlike types, columns called by numbers, tensors of one dimension.

python columns.py DEST REQUIREMENT…
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from record import Record
from scoring_server import scored


class Said(mlflow.pyfunc.PythonModel):
    """Answers with what it gets: a row for each column of a DataFrame, or an array's values as text."""

    def predict(self, context, model_input, params=None):
        if not hasattr(model_input, "columns"):
            return [f"{value!s}" for value in model_input]
        shown = [f"{name!r} {model_input[name].tolist()}" for name in model_input.columns]
        # pandas 3 has another type for text.
        kinds = [str(model_input[name].dtype).replace("object", "str") for name in model_input.columns]
        return pd.DataFrame({"said": [f"{kind} {each}" for kind, each in zip(kinds, shown)]})


TYPES = {
    "double": [1.5, 2.5],
    "long": [2**53 + 1, 2],
    "float": [0.5, 0.25],
    "integer": [1, 2],
    "boolean": [True, False],
    "string": ["x", "y"],
}
NUMBERS = [[0.549, 0.715, 0.603], [0.545, 0.424, 0.646]]
VECTORS = {
    "text": (np.array(["good", "fine"]), ["good", "fine"]),
    "doubles": (np.array([1.5, 2.5]), [1.5, 2.5]),
    "longs": (np.array([1, 2]), [1, 2]),
    "booleans": (np.array([True, False]), [True, False]),
}


def main(dest: Path, requirements: list[str]) -> None:
    """Log a model for every two types beside each other, and one for each of the others."""
    kinds = list(TYPES)
    for first, second in zip(kinds, [*kinds[1:], kinds[0]]):
        schema = Schema([ColSpec(first, "a"), ColSpec(second, "b")])
        folder = dest / f"{first}_{second}"
        record = save(folder, ModelSignature(inputs=schema), requirements)
        rows = [list(row) for row in zip(TYPES[first], TYPES[second])]
        split = {"columns": ["a", "b"], "data": rows}
        answer = said(scored(folder, {"dataframe_split": split}))
        record.add({"names": ["a", "b"], "ndarray": rows}, answer, xtype="ndarray")
        record.add({"names": ["b", "a"], "ndarray": [row[::-1] for row in rows]}, answer, xtype="auto")
        record.add({"ndarray": rows}, answer, xtype="auto")
        record.add({"jsonData": {"dataframe_split": split}}, answer, xtype="DataFrame")
        record.refuse({"ndarray": rows}, "data.names is missing", xtype="DataFrame")
        record.refuse(
            {"names": ["a", "b"], "ndarray": [[{}, {}]]}, "column 'a', row 0: {} must be", xtype="auto"
        )

    folder = dest / "counted"
    record = save(folder, infer_signature(pd.DataFrame(NUMBERS)), requirements)
    answer = said(scored(folder, {"dataframe_split": {"columns": [0, 1, 2], "data": NUMBERS}}))
    for xtype in ("auto", "DataFrame"):
        for data in (
            {"ndarray": NUMBERS},
            {"names": [0, 1, 2], "ndarray": NUMBERS},
            {"names": ["2", "1", "0"], "ndarray": [row[::-1] for row in NUMBERS]},
            {"jsonData": {"dataframe_split": {"columns": [0, 1, 2], "data": NUMBERS}}},
            {"jsonData": {"dataframe_split": {"data": NUMBERS}}},
            {"jsonData": {"inputs": NUMBERS}},
        ):
            record.add(data, answer, xtype=xtype)
        record.refuse(
            {"ndarray": [[1, 2]]},
            "data has 2 columns: the model's signature has 3 ('0', '1', '2')",
            xtype=xtype,
        )

    for name, (example, values) in VECTORS.items():
        folder = dest / name
        record = save(folder, infer_signature(example), requirements)
        answer = scored(folder, {"inputs": values})
        for xtype in ("auto", "ndarray", "DataFrame"):
            record.add({"ndarray": values}, answer, xtype=xtype)
            record.add({"ndarray": [[value] for value in values]}, answer, xtype=xtype)
            record.add({"names": ["a"], "ndarray": [[value] for value in values]}, answer, xtype=xtype)
            record.refuse({"ndarray": [values]}, "data.ndarray has the shape [1, 2]", xtype=xtype)
        if name == "text":
            record.add({"strData": "hello"}, ["hello"])


def said(rows: list[dict[str, str]]) -> list[list[str]]:
    """Return the scoring server's records as rows."""
    return [[row["said"]] for row in rows]


def save(folder: Path, signature: Any, requirements: list[str]) -> Record:
    """Log the function with a signature."""
    mlflow.pyfunc.save_model(
        str(folder), python_model=Said(), signature=signature, pip_requirements=requirements
    )
    return Record(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
