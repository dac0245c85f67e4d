"""Boosters that were trained on columns of pandas' type category: texts and numbers.

python categories.py DEST REQUIREMENT…
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm
import mlflow.lightgbm
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import infer_signature
from record import Record, table


def rows() -> pd.DataFrame:
    """Return rows whose categories do not stand in the order of the alphabet."""
    random = np.random.RandomState(1)
    cities = pd.Categorical(random.choice(["Rom", "Bonn", "Oslo"], 90), categories=["Rom", "Bonn", "Oslo"])
    floors = pd.Categorical(random.randint(3, 6, 90), categories=[5, 3, 4])
    return pd.DataFrame({"size": random.rand(90), "city": cities, "floor": floors})


def main(dest: Path, requirements: list[str]) -> None:
    """Log a regressor and its booster, of each library."""
    frame = rows()
    prices = frame["size"] + 10 * frame["city"].cat.codes + 100 * frame["floor"].cat.codes
    signature = infer_signature(frame)
    logged = {"signature": signature, "pip_requirements": requirements}
    trees = lightgbm.LGBMRegressor(min_child_samples=2, n_estimators=20, verbose=-1).fit(frame, prices)
    mlflow.lightgbm.save_model(trees, str(dest / "lightgbm_categories"), **logged)
    mlflow.lightgbm.save_model(trees.booster_, str(dest / "lightgbm_booster_categories"), **logged)
    boosted = xgboost.XGBRegressor(enable_categorical=True, n_estimators=20).fit(frame, prices)
    mlflow.xgboost.save_model(boosted, str(dest / "xgboost_categories"), **logged)
    mlflow.xgboost.save_model(boosted.get_booster(), str(dest / "xgboost_booster_categories"), **logged)

    few = frame.iloc[[0, 3, 5, 8]]
    unseen = few.assign(city=pd.Categorical([None] * 4, categories=frame["city"].cat.categories))
    for name, model in {
        "lightgbm_categories": trees,
        "lightgbm_booster_categories": trees,
        "xgboost_categories": boosted,
        "xgboost_booster_categories": boosted,
    }.items():
        record = Record(dest / name)
        sent = table(few)
        if (
            name.startswith("xgboost")
            and int(xgboost.__version__.split(".")[0]) == 3
            and xgboost.__version__ < "3.1"
        ):
            record.refuse(sent, "has not kept in the model which number it stands for", xtype="auto")
            record.refuse(sent, "train and log the model with XGBoost 3.1 or later", xtype="ndarray")
            continue
        for xtype in ("auto", "ndarray", "DataFrame"):
            record.add(sent, model.predict(few), xtype=xtype)
        record.add({"ndarray": sent["ndarray"]}, model.predict(few), xtype="auto")
        # What is none of the categories is missing.
        other = [[row[0], "Nowhere", row[2]] for row in sent["ndarray"]]
        record.add({"names": sent["names"], "ndarray": other}, model.predict(unseen), xtype="auto")
        record.refuse(
            {"ndarray": [["x", "Rom", 3]]}, "column 'size', row 0: \"x\" must be a number", xtype="auto"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
