"""A pipeline over columns of mixed types, with a transformer of the model's own code where pickles allow it.

python mixed.py DEST REQUIREMENT…
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models.signature import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from record import Record, table
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

CODE = '''"""Code that the model needs and no package has."""

import numpy as np


def logarithms(frame):
    return np.log1p(frame.abs())
'''
TYPES = {
    "town": DataType.string,
    "rooms": DataType.long,
    "garden": DataType.boolean,
    "size": DataType.double,
    "price": DataType.double,
}


def rows() -> pd.DataFrame:
    """Return rows with missing towns and sizes."""
    random = np.random.RandomState(1)
    count = 120
    frame = pd.DataFrame(
        {
            "town": random.choice(["Aachen", "Bonn", "Celle"], count),
            "rooms": random.randint(1, 9, count),
            "garden": random.rand(count) > 0.5,
            "size": random.gamma(2.0, 40.0, count).round(1),
            "price": random.gamma(3.0, 100.0, count).round(2),
        }
    )
    frame.loc[::7, "town"] = None
    frame.loc[::5, "size"] = np.nan
    return frame


def main(dest: Path, requirements: list[str]) -> None:
    """Log the model, as skops where MLflow knows that, else by cloudpickle and with code of its own."""
    skops = "skops_trusted_types" in inspect.signature(mlflow.sklearn.save_model).parameters
    own = "passthrough"
    code_paths = None
    if not skops:
        (dest / "logarithm.py").write_text(CODE)
        code_paths = [str(dest / "logarithm.py")]
        sys.path.insert(0, str(dest))
        own = FunctionTransformer(__import__("logarithm").logarithms)
    known = rows()
    # Since pandas 3 text has a dtype of its own, in which a missing value is NaN.
    missing = None if known["town"].dtype == object else np.nan
    pipeline = make_pipeline(
        ColumnTransformer(
            [
                (
                    "town",
                    make_pipeline(
                        SimpleImputer(missing_values=missing, strategy="constant", fill_value="?"),
                        OneHotEncoder(handle_unknown="ignore"),
                    ),
                    ["town"],
                ),
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["rooms", "size"]),
                ("price", own, ["price"]),
                ("garden", "passthrough", ["garden"]),
            ],
            sparse_threshold=0,
        ),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
    )
    labels = np.where(known["price"] > 300, "dear", "cheap")
    pipeline.fit(known, labels)

    folder = dest / "mixed"
    form = {"serialization_format": "skops", "skops_trusted_types": trusted(pipeline)} if skops else {}
    mlflow.sklearn.save_model(
        pipeline,
        str(folder),
        code_paths=code_paths,
        signature=ModelSignature(Schema([ColSpec(kind, name) for name, kind in TYPES.items()])),
        pip_requirements=requirements,
        **form,
    )
    # MLflow adds itself to every list; a model that is loaded natively does not import it.
    if skops:
        mlflow.models.update_model_requirements(str(folder), "remove", ["mlflow"])
    few = known[:8]
    record = Record(folder)
    record.add(table(few), mlflow.pyfunc.load_model(str(folder)).predict(few), xtype="DataFrame")
    record.add(table(few[list(few.columns[::-1])]), pipeline.predict(few), xtype="DataFrame")
    record.add(table(few), pipeline.predict_proba(few), xtype="DataFrame", predict_method="predict_proba")


def trusted(pipeline: object) -> list[str]:
    """Return the types that skops wants to be told to trust."""
    import skops.io

    return skops.io.get_untrusted_types(data=skops.io.dumps(pipeline))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
