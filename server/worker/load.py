"""Load a model from its folder: natively where the flavour is known, else through mlflow.pyfunc.

What a flavour's files are, and how they are read: MLflow's modules of the same names.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any


def load(folder: str, plan: dict[str, Any]) -> Any:
    """Return the model that ``plan`` (see server.mlmodel.load_plan) describes.

    Whatever the model's packages raise is raised.
    """
    if plan["code"]:
        # The model's own modules, before and after installed ones, as server.mlmodel.load_plan has them of mlflow.
        sys.path[:0] = [str(Path(folder, path)) for path in plan["code"]["first"]]
        sys.path += [str(Path(folder, path)) for path in plan["code"]["last"]]
    for name in plan["imports"]:
        importlib.import_module(name)
    return LOADERS[plan["loader"]](folder, plan)


def _skops(folder: str, plan: dict[str, Any]) -> Any:
    _check_allowed()
    return importlib.import_module("skops.io").load(Path(folder, plan["path"]), trusted=plan["trusted"])


def _pickle(folder: str, plan: dict[str, Any]) -> Any:
    _check_allowed()
    # cloudpickle registers what pickle needs.
    module = importlib.import_module(plan["module"])
    with Path(folder, plan["path"]).open("rb") as file:
        return module.load(file)


def _check_allowed() -> None:
    """Apply MLflow's own switch: files of these formats can run code while they are read.

    Source: MLFLOW_ALLOW_PICKLE_DESERIALIZATION, https://mlflow.org/docs/latest/api_reference/python_api/mlflow.environment_variables.html
    """
    if os.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true").lower() in ("false", "0"):
        raise PermissionError(
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false: a model in this format can run code while it is "
            "loaded; set it to true if the model's origin is trusted"
        )


def _xgboost(folder: str, plan: dict[str, Any]) -> Any:
    model = _named(plan["class"])()
    model.load_model(str(Path(folder, plan["path"])))
    return model


def _lightgbm(folder: str, plan: dict[str, Any]) -> Any:
    return importlib.import_module("lightgbm").Booster(model_file=str(Path(folder, plan["path"])))


def _catboost(folder: str, plan: dict[str, Any]) -> Any:
    model = _named(plan["class"])()
    model.load_model(str(Path(folder, plan["path"])), plan["format"])
    return model


def _pyfunc(folder: str, plan: dict[str, Any]) -> Any:
    return importlib.import_module("mlflow.pyfunc").load_model(folder)


def _named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


LOADERS = {
    "skops": _skops,
    "pickle": _pickle,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "pyfunc": _pyfunc,
}
