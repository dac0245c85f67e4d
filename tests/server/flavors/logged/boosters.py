"""xgboost, lightgbm and catboost: boosters, and estimators with scikit-learn's interface.

python boosters.py DEST REQUIREMENT…
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import mlflow.catboost
import mlflow.lightgbm
import mlflow.pyfunc
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from record import Record, table

NAMES = ["a", "b", "c"]


def save(flavor: Any, model: Any, folder: Path, requirements: list[str], **signature: Any) -> Record:
    """Save a model with the requirements that begin with its flavour's name or with that of a common package."""
    name = flavor.__name__.rpartition(".")[2]
    flavor.save_model(model, str(folder), pip_requirements=chosen(requirements, name), **signature)
    return Record(folder)


def chosen(requirements: list[str], name: str) -> list[str]:
    """Return the requirements without those of the other two flavours."""
    others = tuple({"xgboost", "lightgbm", "catboost"} - {name})
    return [requirement for requirement in requirements if not requirement.startswith(others)]


def main(dest: Path, requirements: list[str]) -> None:
    """Log the models."""
    random = np.random.RandomState(2)
    rows = pd.DataFrame(random.normal(size=(80, 3)), columns=NAMES)
    classes = (rows["a"] > 0).astype(int) + (rows["b"] > 0.5)
    few = rows[:6]
    array = few.to_numpy()
    signature = infer_signature(rows)

    folder = dest / "xgboost_booster"
    booster = xgboost.train(
        {"seed": 0, "nthread": 1}, xgboost.DMatrix(rows, label=rows["c"]), num_boost_round=4
    )
    record = save(mlflow.xgboost, booster, folder, requirements, signature=signature)
    expected = mlflow.pyfunc.load_model(str(folder)).predict(few)
    record.add(table(few), expected, xtype="DataFrame")
    record.add({"ndarray": array.tolist()}, expected)
    record.add({"ndarray": array.tolist()}, booster.inplace_predict(array), predict_method="inplace_predict")

    folder = dest / "xgboost_margin"
    margin = infer_signature(rows, params={"output_margin": True})
    classifier = xgboost.XGBClassifier(n_estimators=4, random_state=0, n_jobs=1).fit(rows, classes)
    record = save(mlflow.xgboost, classifier, folder, requirements, signature=margin)
    record.add(table(few), mlflow.pyfunc.load_model(str(folder)).predict(few), xtype="DataFrame")
    proba = classifier.predict_proba(few)
    record.add(table(few), proba, xtype="DataFrame", predict_method="predict_proba")
    record.add({"ndarray": array.tolist()}, proba, predict_method="predict_proba")

    folder = dest / "lightgbm_estimator"
    estimator = lightgbm.LGBMClassifier(n_estimators=4, random_state=0, n_jobs=1, verbose=-1).fit(
        rows, classes
    )
    record = save(mlflow.lightgbm, estimator, folder, requirements, signature=signature)
    record.add(table(few), mlflow.pyfunc.load_model(str(folder)).predict(few), xtype="DataFrame")
    proba = estimator.predict_proba(few)
    record.add(table(few), proba, xtype="DataFrame", predict_method="predict_proba")

    folder = dest / "catboost_classifier"
    cat = catboost.CatBoostClassifier(
        iterations=4, random_seed=0, thread_count=1, verbose=False, allow_writing_files=False
    )
    cat.fit(rows, classes)
    record = save(mlflow.catboost, cat, folder, requirements, signature=signature)
    record.add(table(few), mlflow.pyfunc.load_model(str(folder)).predict(few), xtype="DataFrame")
    proba = cat.predict_proba(array)
    record.add({"ndarray": array.tolist()}, proba, names=["0", "1", "2"], predict_method="predict_proba")

    # Its categories are whole numbers: catboost refuses 3.0 for 3.
    folder = dest / "catboost_categories"
    kinds = pd.DataFrame({"kind": random.randint(0, 5, len(rows)), "size": rows["a"]})
    cat = catboost.CatBoostRegressor(
        iterations=4,
        random_seed=0,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
        cat_features=["kind"],
    )
    cat.fit(kinds, rows["b"])
    record = save(mlflow.catboost, cat, folder, requirements)
    answer = mlflow.pyfunc.load_model(str(folder)).predict(kinds[:6])
    record.add(table(kinds[:6]), answer, xtype="DataFrame")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
