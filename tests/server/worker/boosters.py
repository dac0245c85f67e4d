"""Models of xgboost, lightgbm and catboost, called with rows together and apart: python boosters.py DEST THREADS, where these are.

Writes to DEST, as JSON, for each model and method what rowwise says and in how many comparisons the bits were the same or not.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SERVER = Path(__file__).parents[3] / "server"
ROWS, FEATURES, ROUNDS = 520, 10, 8
THREADS = int(sys.argv[2])
NAMES = [f"c{index}" for index in range(FEATURES)]
# Numbers of rows that are called together: xgboost takes them in blocks of 64, and both share them among threads.
SPLITS = ([1] * 5 + [2, 3, 7], [1, 63, 1, 64, 65, 2], [255, 256, 1])
# What MLflow passes to predict where a request has parameters.
GIVEN = [{}, {"output_margin": True}, {"pred_leaf": True}, {"pred_contribs": True}]
Cases = Iterator["tuple[str, Any, str, Any]"]


def worker(module: str) -> Any:
    """Import a module of the program that holds the model, as that does it."""
    if "program" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "program", str(SERVER / "__init__.py"), submodule_search_locations=[str(SERVER)]
        )
        sys.modules["program"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["program"])
    return importlib.import_module(f"program.worker.{module}")


def tables() -> dict[str, pd.DataFrame]:
    """Return tables of numbers, with holes, and with columns of categories as whole numbers."""
    random = np.random.RandomState(0)
    dense = random.normal(size=(ROWS, FEATURES))
    # From none to nearly all in a row.
    holes = np.where(random.rand(ROWS, FEATURES) < random.rand(ROWS, 1), np.nan, dense)
    coded = dense.copy()
    coded[:, :3] = random.randint(0, 9, (ROWS, 3))
    named = {"dense": dense, "holes": holes, "coded": coded}
    made = {name: pd.DataFrame(values, columns=NAMES) for name, values in named.items()}
    made["coded"] = made["coded"].astype(dict.fromkeys(NAMES[:3], int))
    return made


def targets(table: pd.DataFrame) -> dict[str, np.ndarray]:
    random = np.random.RandomState(1)
    score = table.fillna(0).to_numpy() @ random.normal(size=FEATURES) + random.normal(size=ROWS)
    order = score.argsort().argsort()
    return {
        "number": score,
        "count": np.floor(np.exp(score / 4)),
        "two": (score > 0).astype(int),
        "three": order * 3 // ROWS,
        "twelve": order * 12 // ROWS,
        "several": np.stack([score, score**2, -score], axis=1),
    }


def stored(model: Any, load: Any, suffix: str) -> Any:
    """Return the model as it is read from its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / f"model.{suffix}")
        model.save_model(path)
        return load(path)


def xgboost_boosters(table: pd.DataFrame, target: dict[str, np.ndarray], kind: str) -> Cases:
    tasks = [
        ("reg:squarederror", "number", {}),
        ("binary:logistic", "two", {}),
        ("multi:softprob", "three", {"num_class": 3}),
        ("multi:softprob", "twelve", {"num_class": 12}),
        ("reg:squarederror", "several", {}),
        ("reg:squarederror", "several", {"multi_strategy": "multi_output_tree"}),
        ("rank:pairwise", "three", {}),
    ]
    boosters = [{}, {"booster": "dart", "rate_drop": 0.3}, {"booster": "gblinear"}]
    boosters.append({"num_parallel_tree": 3, "subsample": 0.7})
    for (objective, name, params), more in itertools.product(tasks, boosters):
        if more and name not in ("number", "three"):
            continue
        types = ["c"] * 3 + ["q"] * (FEATURES - 3) if kind == "coded" else None
        if types and (more.get("booster") == "gblinear" or "multi_strategy" in params):
            continue
        matrix = xgboost.DMatrix(
            table, label=target[name], feature_types=types, enable_categorical=types is not None
        )
        if objective.startswith("rank"):
            matrix.set_group([52] * (ROWS // 52))
        told = {"objective": objective, "seed": 0, "max_depth": 5, "tree_method": "hist", **params, **more}
        if more.get("booster") == "gblinear":
            del told["max_depth"], told["tree_method"]
        trained = xgboost.train(told, matrix, num_boost_round=ROUNDS)
        model = stored(trained, lambda path: xgboost.Booster(model_file=path), "ubj")
        yield f"xgboost {objective} {name} {params} {more}", model, "xgboost", table


def xgboost_estimators(table: pd.DataFrame, target: dict[str, np.ndarray], kind: str) -> Cases:
    if kind == "coded":
        table = table.astype(dict.fromkeys(NAMES[:3], "category"))
    options = {
        "n_estimators": ROUNDS,
        "random_state": 0,
        "n_jobs": THREADS,
        "enable_categorical": kind == "coded",
    }
    made = [
        (xgboost.XGBRegressor(**options), "number"),
        (xgboost.XGBRegressor(**options), "several"),
        (xgboost.XGBClassifier(**options), "two"),
        (xgboost.XGBClassifier(**options), "twelve"),
        (xgboost.XGBRFRegressor(**options), "number"),
        (xgboost.XGBRFClassifier(**options), "three"),
    ]
    for model, name in made:
        model.fit(table, target[name])
        kept = stored(model, lambda path, model=model: loaded(type(model)(), path), "ubj")
        yield f"{type(model).__name__} {name}", kept, "xgboost", table
    if kind == "dense":
        for last, name in (
            (xgboost.XGBClassifier(**options), "three"),
            (xgboost.XGBRegressor(**options), "number"),
        ):
            piped = make_pipeline(StandardScaler(), last).fit(table, target[name])
            yield f"pipeline {type(last).__name__}", piped, "pickle", table


def loaded(model: Any, path: str) -> Any:
    model.load_model(path)
    return model


def lightgbm_boosters(table: pd.DataFrame, target: dict[str, np.ndarray], kind: str) -> Cases:
    tasks = [
        ("regression", "number", {}),
        ("poisson", "count", {}),
        ("binary", "two", {}),
        ("multiclass", "three", {"num_class": 3}),
        ("multiclass", "twelve", {"num_class": 12}),
        ("multiclassova", "twelve", {"num_class": 12}),
    ]
    boosters = [{}, {"boosting": "dart"}, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}]
    boosters.append({"linear_tree": True})
    for (objective, name, params), more in itertools.product(tasks, boosters):
        if more and (name not in ("number", "three") or objective == "multiclassova"):
            continue
        coded = NAMES[:3] if kind == "coded" else "auto"
        if kind == "coded" and "linear_tree" in more:
            continue
        data = lightgbm.Dataset(table, target[name], categorical_feature=coded, free_raw_data=False)
        told = {"objective": objective, "seed": 0, "verbose": -1, "num_leaves": 15, **params, **more}
        trained = lightgbm.train(told, data, num_boost_round=ROUNDS)
        model = stored(trained, lambda path: lightgbm.Booster(model_file=path), "txt")
        yield f"lightgbm {objective} {name} {more}", model, "lightgbm", table


def lightgbm_estimators(table: pd.DataFrame, target: dict[str, np.ndarray], kind: str) -> Cases:
    if kind == "coded":
        table = table.astype(dict.fromkeys(NAMES[:3], "category"))
    options = {"n_estimators": ROUNDS, "random_state": 0, "n_jobs": THREADS, "verbose": -1, "num_leaves": 15}
    made = [
        (lightgbm.LGBMRegressor(**options), "number"),
        (lightgbm.LGBMClassifier(**options), "two"),
        (lightgbm.LGBMClassifier(**options), "twelve"),
        (
            lightgbm.LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **options),
            "three",
        ),
    ]
    for model, name in made:
        yield f"{type(model).__name__} {name}", model.fit(table, target[name]), "pickle", table
    ranker = lightgbm.LGBMRanker(**options).fit(table, target["three"], group=[52] * (ROWS // 52))
    yield "LGBMRanker", ranker, "pickle", table


def catboost_models(table: pd.DataFrame, target: dict[str, np.ndarray], kind: str) -> Cases:
    options = {"iterations": ROUNDS, "random_seed": 0, "thread_count": THREADS, "verbose": False}
    options["allow_writing_files"] = False
    made = [
        (catboost.CatBoost({**options, "loss_function": "RMSE"}), "number"),
        (catboost.CatBoostRegressor(**options), "number"),
        (catboost.CatBoostRegressor(grow_policy="Lossguide", **options), "number"),
        (catboost.CatBoostRegressor(loss_function="Poisson", **options), "count"),
        (catboost.CatBoostRegressor(loss_function="MultiRMSE", **options), "several"),
        (catboost.CatBoostClassifier(**options), "two"),
        (catboost.CatBoostClassifier(**options), "three"),
        (catboost.CatBoostClassifier(grow_policy="Depthwise", **options), "twelve"),
        (catboost.CatBoostRanker(**options), "three"),
    ]
    for model, name in made:
        groups = {"group_id": np.arange(ROWS) // 52} if isinstance(model, catboost.CatBoostRanker) else {}
        model.fit(table, target[name], cat_features=NAMES[:3] if kind == "coded" else None, **groups)
        kept = stored(model, lambda path, model=model: loaded(type(model)(), path), "cbm")
        yield f"{type(model).__name__} {name}", kept, "catboost", table


def forms(table: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Yield the rows as the model may get them."""
    yield "frame", table
    # What categories there are, an array does not say; the model has them as they were trained.
    if "category" not in map(str, table.dtypes):
        yield "array", table.to_numpy(float)
        yield "array of single precision", table.to_numpy(np.float32)


def compare(method: Any, rows: Any, params: dict[str, bool]) -> tuple[int, list[list[int]]]:
    """Return how often the bits were the same, and the splits where they were not."""
    same, different = 0, []
    for split in SPLITS:
        together = np.asarray(method(rows[: sum(split)], params))
        starts = np.cumsum([0, *split[:-1]])
        apart = [
            np.asarray(method(rows[start : start + count], params))
            for start, count in zip(starts, split, strict=True)
        ]
        whole = np.concatenate(apart)
        if whole.dtype == together.dtype and whole.tobytes() == together.tobytes():
            same += 1
        else:
            different.append(split)
    return same, different


def found() -> Iterator[dict[str, Any]]:
    """Yield what is found for each model, method and form of the rows."""
    rowwise, methods = worker("rowwise"), worker("methods")
    kinds = (
        *(xgboost_boosters, xgboost_estimators),
        *(lightgbm_boosters, lightgbm_estimators),
        catboost_models,
    )
    for (kind, table), make in itertools.product(tables().items(), kinds):
        for label, model, loader, rows in make(table, targets(table), kind):
            for name in sorted(rowwise.METHODS):
                if not hasattr(model, name):
                    continue
                _, method = methods.method(model, {"loader": loader, "params": {}}, [name])
                several = GIVEN if loader == "xgboost" and name == "predict" else GIVEN[:1]
                if not isinstance(model, xgboost.Booster):
                    several = several[:2]
                for params, (form, given) in itertools.product(several, forms(rows)):
                    if params and form != "array":
                        continue
                    case = f"{kind} {label} {name} {params} {form}"
                    try:
                        same, different = compare(method, given, params)
                    except (ValueError, xgboost.core.XGBoostError, catboost.CatBoostError) as error:
                        yield {"case": case, "refused": str(error).partition("\n")[0]}
                        continue
                    said = rowwise.rowwise(model, name)
                    yield {"case": case, "rowwise": said, "same": same, "different": different}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    Path(sys.argv[1]).write_text(json.dumps(list(found())))
