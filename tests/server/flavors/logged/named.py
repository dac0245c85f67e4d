"""Models whose answers have columns in an order, or of a number, that is not the request's.

python named.py DEST REQUIREMENT…
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models.signature import infer_signature
from record import Record, table
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

KNOWN = pd.DataFrame(
    {
        "age": [47.0, 78.0, 66.0, 33.0, 71.0, 29.0],
        "income": [1500.0, 2500.0, 700.0, 3100.0, 900.0, 2200.0],
        "city": ["Aachen", "Bonn", "Celle", "Bonn", "Aachen", "Celle"],
    }
)
NUMBERS = KNOWN[["age", "income"]]
LABELS = np.array([7, 3, 5, 3, 7, 5])


class Turned(mlflow.pyfunc.PythonModel):
    """Answers with the columns of its output signature in another order."""

    def predict(self, context, model_input):
        """Return two columns."""
        return pd.DataFrame({"b": model_input["age"], "a": model_input["income"]})


class Scripted:
    """Saves models of scikit-learn, and records what they answer."""

    def __init__(self, dest: Path, requirements: list[str]) -> None:
        self._dest = dest
        self._requirements = requirements
        self._skops = "skops_trusted_types" in inspect.signature(mlflow.sklearn.save_model).parameters

    def save(self, name, model, rows, answer):
        """Save a model with the signature of these rows, and return its record."""
        folder = self._dest / name
        form = {"serialization_format": "skops", "skops_trusted_types": trusted(model)} if self._skops else {}
        mlflow.sklearn.save_model(
            model,
            str(folder),
            signature=infer_signature(rows, answer),
            pip_requirements=self._requirements,
            **form,
        )
        return Record(folder)


def trusted(model):
    """Return the types that skops wants to be told to trust."""
    import skops.io

    return skops.io.get_untrusted_types(data=skops.io.dumps(model))


def said(model, names):
    """Return what a transformer calls its columns, or None where it cannot say."""
    try:
        if hasattr(model, "get_feature_names_out"):
            return list(model.get_feature_names_out())
        return list(model.get_feature_names(names)) if hasattr(model, "get_feature_names") else None
    except (AttributeError, TypeError):
        return None


def counted(width):
    """Return the names of columns that nobody has named."""
    return [f"t:{index}" for index in range(width)]


def main(dest: Path, requirements: list[str]) -> None:
    """Log the models."""
    scripted = Scripted(dest, requirements)

    scaler = StandardScaler().fit(NUMBERS)
    record = scripted.save("named_scaler", scaler, NUMBERS, None)
    for xtype in ("ndarray", "DataFrame"):
        turned = table(NUMBERS[["income", "age"]])
        record.add(turned, scaler.transform(NUMBERS), names=["age", "income"], xtype=xtype)
    back = table(pd.DataFrame(scaler.transform(NUMBERS), columns=NUMBERS.columns))
    record.add(back, NUMBERS, names=["age", "income"], xtype="DataFrame", predict_method="inverse_transform")

    both = ColumnTransformer(
        [("scale", StandardScaler(), ["age", "income"]), ("encode", OrdinalEncoder(), ["city"])]
    ).fit(KNOWN)
    record = scripted.save("named_columns", both, KNOWN, None)
    names = said(both, None)
    turned = table(KNOWN[["city", "age", "income"]])
    transformed = both.transform(KNOWN)
    record.add(turned, transformed, names=names or counted(3), xtype="DataFrame")

    # What comes behind it in a graph finds its columns by these names.
    behind = pd.DataFrame(transformed, columns=names or counted(3))
    tree = DecisionTreeRegressor(random_state=0).fit(behind, KNOWN["age"])
    record = scripted.save("named_tree", tree, behind, None)
    record.add(table(behind), KNOWN["age"], xtype="DataFrame")
    record.add(table(behind[behind.columns[::-1]]), KNOWN["age"])

    encoder = OneHotEncoder().fit(KNOWN[["city"]])
    record = scripted.save("named_encoder", encoder, KNOWN[["city"]], None)
    expected = ["city_Aachen", "city_Bonn", "city_Celle"]
    record.add(
        table(KNOWN[["city"]]),
        encoder.transform(KNOWN[["city"]]).toarray(),
        names=expected,
        xtype="DataFrame",
    )

    # In the memory order of a request: BLAS adds up otherwise in another.
    numbers = np.ascontiguousarray(NUMBERS.to_numpy())
    components = PCA(1).fit(numbers)
    record = scripted.save("named_components", components, NUMBERS, None)
    record.add(table(NUMBERS), components.transform(numbers), names=said(components, None) or counted(1))

    classifier = LogisticRegression(max_iter=1000).fit(NUMBERS, LABELS)
    record = scripted.save("named_classes", classifier, NUMBERS, classifier.predict(NUMBERS))
    for method in ("predict_proba", "decision_function"):
        scores = getattr(classifier, method)(NUMBERS)
        record.add(table(NUMBERS), scores, names=["3", "5", "7"], xtype="DataFrame", predict_method=method)

    folder = dest / "named_frame"
    answer = Turned().predict(None, NUMBERS)
    signature = infer_signature(NUMBERS, answer[["a", "b"]])
    mlflow.pyfunc.save_model(
        str(folder), python_model=Turned(), signature=signature, pip_requirements=requirements
    )
    by_mlflow = mlflow.pyfunc.load_model(str(folder)).predict(NUMBERS)
    assert list(by_mlflow.columns) == ["b", "a"]
    Record(folder).add(table(NUMBERS), by_mlflow, names=["b", "a"], xtype="DataFrame")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
