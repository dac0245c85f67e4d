"""The methods by which a loaded model is called: the estimator's own, where these take rows, else what MLflow puts around them."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any, Callable, Dict

import numpy as np

Method = Callable[[Any], Any]
Plan = Dict[str, Any]

# How the methods begin that people serve: what a message lists for choice.
BEGINNINGS = ("decision_function", "inverse_transform", "kneighbors", "predict", "score_samples", "transform")


def method(model: Any, plan: Plan, names: list[str]) -> tuple[str, Method]:
    """Return the first of the methods ``names`` that the model has, and its name.

    Raises:
        AttributeError: it has none of them; the message lists those that it has.
    """
    find = FINDERS.get(plan["loader"], _own)
    for name in names:
        found = find(model, plan, name)
        if found is not None:
            return name, found
    raise AttributeError(
        "{} has no method {}; it has {}: set the parameter predict_method to one of them".format(
            type(model).__name__, " or ".join(names), ", ".join(_offered(model, plan)) or "none that fits"
        )
    )


def _offered(model: Any, plan: Plan) -> list[str]:
    owners = _owners(model) if plan["loader"] == "pyfunc" else [model]
    return sorted(
        {
            name
            for owner in owners
            for name in dir(owner)
            if name.startswith(BEGINNINGS) and callable(getattr(owner, name, None))
        }
    )


def _own(model: Any, plan: Plan, name: str) -> Method | None:
    found = getattr(model, name, None)
    return found if callable(found) else None


def _xgboost(model: Any, plan: Plan, name: str) -> Method | None:
    """Return a method of an xgboost model; ``predict`` gets the signature's parameters, as MLflow gives them.

    A Booster's takes a DMatrix, which MLflow makes of the rows.
    """
    found = _own(model, plan, name)
    if found is None or name != "predict":
        return found
    accepted = inspect.signature(found).parameters
    found = functools.partial(
        found, **{key: value for key, value in plan["params"].items() if key in accepted}
    )
    xgboost = importlib.import_module("xgboost")
    if not isinstance(model, xgboost.Booster):
        return found

    def predict(rows: Any) -> Any:
        # Rows without names are taken in the order that the model was trained on; xgboost would refuse them.
        names = None if hasattr(rows, "columns") else model.feature_names
        return found(xgboost.DMatrix(rows, feature_names=names))

    return predict


def _pyfunc(model: Any, plan: Plan, name: str) -> Method | None:
    """Return a method of an mlflow.pyfunc model: its ``predict``, or one of what it wraps.

    That is the python model, which gets the context that predict would get, or a flavour's own model.
    """
    if name == "predict":
        return functools.partial(_predict, model, plan["columns"])
    for owner in _owners(model):
        found = _own(owner, plan, name)
        if found is not None:
            return functools.partial(found, *_context(model, found))
    return None


def _predict(model: Any, columns: list[str] | None, rows: Any) -> Any:
    """Call predict; MLflow enforces a signature of named columns on DataFrames only."""
    if columns is not None and isinstance(rows, np.ndarray):
        frame = importlib.import_module("pandas").DataFrame(rows, columns=columns)
        rows = frame.infer_objects()
    return model.predict(rows)


def _owners(model: Any) -> list[Any]:
    """Return what an mlflow.pyfunc model wraps, the innermost first; _model_impl is MLflow's "developer API"."""
    wrapper = model._model_impl
    raw = wrapper.get_raw_model() if hasattr(wrapper, "get_raw_model") else None
    owners = [getattr(wrapper, "python_model", None), raw, wrapper]
    return [owner for owner in owners if owner is not None]


def _context(model: Any, found: Method) -> list[Any]:
    """Return the arguments before the rows: the context, where the method has a place for it."""
    wrapper = model._model_impl
    if not hasattr(wrapper, "context"):
        return []
    try:
        parameters = inspect.signature(found).parameters.values()
    except ValueError:
        return []
    needed = [each.name for each in parameters if each.default is each.empty and each.name != "params"]
    return [wrapper.context] if needed[:1] == ["context"] or len(needed) == 2 else []


FINDERS = {"xgboost": _xgboost, "pyfunc": _pyfunc}
