"""The load plan: how the worker loads a model and what its methods take, decided from its MLmodel file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from server.errors import NotAModel
from server.mlmodel import FILE, NATIVE, Model

# The first MLflow that finds the folders wherever it is started, and the first that has none of them on the path.
_FOLDERS_FOUND = Version("1.26")
_FOLDERS_GONE = Version("2.1.dev0")
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


@dataclass(frozen=True)
class InputType:
    """The type of a method's argument.

    ``kind`` is "array", "frame" (a DataFrame), or "list" (a value of the type hint for each row). A ``strict`` frame
    takes nothing else than tables, with names where the signature has them; otherwise columns without names are taken in
    the signature's order, and what is no table goes as it is. Where it is ``nested`` a row is one value, which may be an
    array or an object itself.
    """

    kind: str
    strict: bool = False
    nested: bool = False

    @property
    def is_frame(self) -> bool:
        """Whether it is a DataFrame."""
        return self.kind == "frame"

    @property
    def shown(self) -> str:
        """What the method gets, as xtype and people call it."""
        return {"array": "ndarray", "frame": "DataFrame"}.get(self.kind, self.kind)


ARRAY, FRAME, LIST = InputType("array"), InputType("frame", strict=True), InputType("list", nested=True)


def input_type(model: Model, xtype: str) -> InputType:
    """Return the type in which ``model`` gets a request's values, ``xtype`` being auto, ndarray or DataFrame.

    xtype counts where both types make sense. A type hint wants a list; mlflow.pyfunc enforces a signature of named
    columns on DataFrames only; an array has one type for all its columns; and a tensor of more than two dimensions is no
    DataFrame.
    """
    inputs = model.inputs
    if model.hinted and inputs is not None:
        return LIST
    if inputs is None:
        frame = xtype == "DataFrame" or (xtype == "auto" and not model.native)
    elif inputs.tensors:
        table = len(inputs.tensors) == 1 and len(inputs.tensors[0].shape) < 3
        frame = xtype == "DataFrame" and model.native and table
    else:
        unlike = inputs.kind is None and len(inputs.columns) > 1
        by_mlflow = not model.native and (inputs.names is not None or inputs.nested is not None)
        chosen = xtype == "DataFrame" or (xtype == "auto" and (not model.native or inputs.names is not None))
        frame = chosen or unlike or by_mlflow
    return InputType(
        "frame" if frame else "array",
        # Columns that are called 0, 1, … are named by their order.
        strict=frame and xtype == "DataFrame" and not (inputs is not None and inputs.counted),
        nested=inputs is not None and inputs.nested is not None,
    )


def code(model: Model) -> dict[str, list[str]] | None:
    """Return the folders that come before (``first``) and after (``last``) all others of the path, or None without code.

    They are relative to the model folder. The folders of an MLflow that may not find them come last, where their modules
    hide none that it would have taken instead.
    """
    stated = (
        flavor.get("code") for flavor in (model.flavors.get("python_function", {}), *model.flavors.values())
    )
    root = next((str(path) for path in stated if path), None)
    if root is None:
        return None
    version = _version(model.mlflow_version)
    folders = _folders(model, root) if version < _FOLDERS_GONE else []
    if version < _FOLDERS_FOUND:
        return {"first": [root], "last": folders}
    return {"first": [root, *folders], "last": []}


def _folders(model: Model, root: str) -> list[str]:
    path = model.folder / root
    found = sorted(path.iterdir()) if path.is_dir() else []
    return [f"{root}/{entry.name}" for entry in found if entry.is_dir() and entry.name != "__pycache__"]


def _version(recorded: Any) -> Version:
    """Return MLflow's version; before 1.25 it recorded none."""
    try:
        return Version(str(recorded or "1"))
    except InvalidVersion:
        return Version("1")


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
