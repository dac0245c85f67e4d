"""Load a model from its folder: natively where the flavour is known, else through mlflow.pyfunc."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def load(folder: str, plan: dict[str, Any]) -> Any:
    """Return the model that ``plan`` (see server.model.plan) describes.

    Whatever the model's packages raise is raised.
    """
    if plan.get("code"):
        # The model's own modules come before installed ones, as mlflow does it.
        sys.path.insert(0, str(Path(folder, plan["code"])))
    return LOADERS[plan["loader"]](folder, plan)


def _skops(folder: str, plan: dict[str, Any]) -> Any:
    return importlib.import_module("skops.io").load(Path(folder, plan["path"]), trusted=plan.get("trusted"))


def _pickle(folder: str, plan: dict[str, Any]) -> Any:
    # Only a model whose digest is pinned gets here; cloudpickle registers what pickle needs.
    module = importlib.import_module(plan["module"])
    with Path(folder, plan["path"]).open("rb") as file:
        return module.load(file)


def _pyfunc(folder: str, plan: dict[str, Any]) -> Any:
    return importlib.import_module("mlflow.pyfunc").load_model(folder)


LOADERS = {"skops": _skops, "pickle": _pickle, "pyfunc": _pyfunc}
