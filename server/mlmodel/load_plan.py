"""The load plan: how the worker loads a model, decided from its MLmodel file.

What the flavours' configurations hold: MLflow's modules of the same names, releases 1.14 to 3.17.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.errors import NotAModel
from server.mlmodel import FILE, NATIVE, Model
from server.mlmodel.code_paths import code
from server.mlmodel.input_type import input_type

FORMATS = ("pickle", "cloudpickle")
PYFUNC = "python_function"
# The role of a streamed call, and the method of mlflow.pyfunc that streams.
STREAM = "predict_stream"
# By the node's role, the methods that may answer, best first: a scaler has no predict, a classifier no
# transform.
METHODS = {
    "predict": ("predict", "transform"),
    "transform_input": ("transform", "predict"),
    "transform_output": ("transform", "predict"),
}


def plan(model: Model, xtype: str) -> dict[str, Any]:
    """Return what ``server.worker.load`` and ``methods`` need to know, as JSON.

    Models of scikit-learn, xgboost, lightgbm and catboost are loaded natively, which gives every method of the
    estimator and spares importing mlflow; any other through its ``python_function`` flavour. ``imports`` are
    the modules without which the first call would be slow.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
    """
    imports = ["pandas"] if input_type(model, xtype).is_frame else []
    pyfunc = model.flavors.get(PYFUNC)
    for name in NATIVE:
        flavor = model.flavors.get(name)
        if flavor is not None:
            return {"code": code(model), "imports": imports, **PLANS[name](model, flavor)}
    if pyfunc is None:
        raise NotAModel(
            f"{model.folder}: flavours {', '.join(sorted(model.flavors))} cannot be loaded: a model needs the "
            f"flavour {', '.join(NATIVE)} or {PYFUNC}; log it with one of them"
        )
    # The MLflow of the environment may be another than the one that logged the model, and put less on the path.
    return {"loader": "pyfunc", "code": code(model), "imports": imports, "params": _params(model)}


def methods(model: Model, chosen: str) -> dict[str, tuple[str, ...]]:
    """Return, by the node's role, the methods that may answer: the ``chosen`` one, or the best first.

    predict is what the model was logged with for it (pyfunc_predict_fn); mlflow.pyfunc heeds that itself.
    """
    stream = {STREAM: (STREAM,)} if streams(model) else {}
    if chosen:
        return {**dict.fromkeys(METHODS, (chosen,)), **stream}
    stated = "predict"
    if model.native:
        stated = model.flavors.get(PYFUNC, {}).get("predict_fn", stated)
    called = {
        asked: tuple(stated if name == "predict" else name for name in names)
        for asked, names in METHODS.items()
    }
    return {**called, **stream}


def streams(model: Model) -> bool:
    """Return whether a model answers in parts too: mlflow.pyfunc loads it, and it was logged with predict_stream."""
    return not model.native and model.flavors.get(PYFUNC, {}).get("streamable") is True


def _sklearn(model: Model, flavor: dict[str, Any]) -> dict[str, Any]:
    return _pickled(model, "sklearn", flavor, "pickled_model", "pickle")


def _xgboost(model: Model, flavor: dict[str, Any]) -> dict[str, Any]:
    # Before MLflow 1.22 there were Boosters only.
    kind = flavor.get("model_class", "xgboost.core.Booster")
    path = _path(model, "xgboost", flavor)
    return {"loader": "xgboost", "class": kind, "path": path, "params": _params(model)}


def _lightgbm(model: Model, flavor: dict[str, Any]) -> dict[str, Any]:
    # Before MLflow 1.23 there were Boosters only.
    if flavor.get("model_class", "lightgbm.basic.Booster") == "lightgbm.basic.Booster":
        return {"loader": "lightgbm", "path": _path(model, "lightgbm", flavor)}
    return _pickled(model, "lightgbm", flavor, "data", "cloudpickle")


def _catboost(model: Model, flavor: dict[str, Any]) -> dict[str, Any]:
    return {
        "loader": "catboost",
        "class": f"catboost.{flavor.get('model_type', 'CatBoost')}",
        "format": flavor.get("save_format", "cbm"),
        "path": _path(model, "catboost", flavor),
    }


# The plan of each flavour that server.mlmodel.NATIVE names.
PLANS: dict[str, Callable[[Model, dict[str, Any]], dict[str, Any]]] = {
    "sklearn": _sklearn,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
}


def _pickled(model: Model, name: str, flavor: dict[str, Any], key: str, default: str) -> dict[str, Any]:
    serialization = flavor.get("serialization_format") or default
    path = _path(model, name, flavor, key)
    if serialization == "skops":
        return {"loader": "skops", "path": path, "trusted": flavor.get("skops_trusted_types")}
    if serialization in FORMATS:
        return {"loader": "pickle", "path": path, "module": serialization}
    raise NotAModel(
        f"{model.folder}/{FILE}: serialization_format {serialization!r} is not known; it must be skops, "
        f"{' or '.join(FORMATS)}"
    )


def _params(model: Model) -> dict[str, Any]:
    """Return the signature's parameters with their defaults."""
    return {entry["name"]: entry.get("default") for entry in model.params}


def _path(model: Model, name: str, flavor: dict[str, Any], key: str = "data") -> str:
    path = flavor.get(key)
    if not isinstance(path, str):
        raise NotAModel(f"{model.folder}/{FILE}: the flavour {name} has no {key}; log the model again")
    return path
