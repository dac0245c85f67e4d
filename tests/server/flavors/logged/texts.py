"""Pipelines whose first step makes words of texts, with signatures of each form.

python texts.py DEST REQUIREMENT…
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import mlflow.sklearn
import numpy as np
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema
from record import Record
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline

TEXTS = ["good film", "fine film", "bad film", "awful film"] * 5
LABELS = [1, 1, 0, 0] * 5
SENT = ["a fine film", "an awful evening", "words"]
SIGNATURES = {
    "tensor": infer_signature(np.array(TEXTS)),
    "named": ModelSignature(inputs=Schema([ColSpec("string", "text")])),
    "unnamed": ModelSignature(inputs=Schema([ColSpec("string")])),
    "none": None,
}


def models() -> dict[str, object]:
    """Return what is fitted to texts."""
    union = FeatureUnion([("words", TfidfVectorizer()), ("hashes", HashingVectorizer(n_features=16))])
    search = GridSearchCV(
        make_pipeline(CountVectorizer(), LogisticRegression()), {"logisticregression__C": [1, 9]}
    )
    return {
        "pipeline": make_pipeline(TfidfVectorizer(), LogisticRegression()),
        "union": make_pipeline(union, LogisticRegression()),
        "search": search,
    }


def main(dest: Path, requirements: list[str]) -> None:
    """Log each model with each signature."""
    known = inspect.signature(mlflow.sklearn.save_model).parameters
    form = {"serialization_format": "cloudpickle"} if "serialization_format" in known else {}
    for kind, model in models().items():
        model.fit(TEXTS, LABELS)
        for name, signature in SIGNATURES.items():
            folder = dest / f"{kind}_{name}"
            mlflow.sklearn.save_model(
                model, str(folder), signature=signature, pip_requirements=requirements, **form
            )
            record = Record(folder)
            # A DataFrame is a list of the names of its columns to scikit-learn's vectorizers.
            mistaken = model.predict(["text"])
            # What the parameters do does not depend on what is fitted, and each set of them is one more server.
            for xtype in ("auto", "ndarray", "DataFrame") if kind == "pipeline" else ("auto",):
                record.add(
                    {"names": ["text"], "ndarray": [[text] for text in SENT]},
                    model.predict(SENT),
                    mistaken=mistaken,
                    xtype=xtype,
                )
            if kind == "pipeline":
                record.add({"ndarray": SENT}, model.predict_proba(SENT), predict_method="predict_proba")
            record.add({"ndarray": SENT}, model.predict(SENT), mistaken=mistaken, xtype="auto")
            record.add({"jsonData": {"inputs": SENT}}, model.predict(SENT), mistaken=mistaken, xtype="auto")
            record.add({"strData": SENT[0]}, model.predict(SENT[:1]), mistaken=mistaken, xtype="auto")
            words = (
                "must have strings and nothing else" if name == "tensor" else "row 0: null must be a string"
            )
            record.refuse({"ndarray": [[None], ["a"]]}, words, xtype="auto")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
