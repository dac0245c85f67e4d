"""The methods by which a loaded model is called: the estimator's own, where these take rows, else what MLflow puts around them."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any, Callable, Dict, Optional

from .fitted_columns import Adapt

Params = Optional[Dict[str, Any]]
# Takes rows, and the parameters that the request gives, or None where it is of a form without them.
Method = Callable[[Any, Params], Any]
Plan = Dict[str, Any]

# Its answer comes in parts: a generator of them.
PREDICT_STREAM = "predict_stream"

# How the methods begin that people serve: what a message lists for choice.
BEGINNINGS = ("decision_function", "inverse_transform", "kneighbors", "predict", "score_samples", "transform")


def method(model: Any, plan: Plan, names: list[str], adapt: Adapt | None = None) -> tuple[str, Method]:
    """Return the first of the methods ``names`` that the model has, and its name; it gets rows that ``adapt`` has adapted.

    Raises:
        AttributeError: it has none of them; the message lists those that it has.
    """
    find = FINDERS.get(plan["loader"], _own)
    for name in names:
        found = find(model, plan, name)
        if found is not None:
            return name, _adapted(found, adapt, name)
    raise AttributeError(
        "{} has no method {}; it has {}: set the parameter predict_method to one of them".format(
            type(model).__name__, " or ".join(names), ", ".join(_offered(model, plan)) or "none that fits"
        )
    )


def owner(model: Any, plan: Plan, name: str) -> Any:
    """Return what has the method ``name`` that ``method`` has found: the model, or what mlflow.pyfunc wraps."""
    if plan["loader"] != "pyfunc" or name == "predict":
        return model
    return next(each for each in _owners(model) if _callable(each, name) is not None)


def component(model: Any, plan: Plan) -> Any:
    """Return the custom Python model that mlflow.pyfunc wraps, or None where the model is none of the user's own code."""
    if plan["loader"] != "pyfunc":
        return None
    wrapper = model._model_impl
    if hasattr(wrapper, "python_model"):
        return wrapper.python_model
    return None if type(wrapper).__module__.partition(".")[0] == "mlflow" else wrapper


def _adapted(found: Method, adapt: Adapt | None, name: str) -> Method:
    """Return a method that gets rows as the model was fitted to them; what it inverts are its own answers."""
    if adapt is None or name.startswith("inverse"):
        return found
    return lambda rows, params: found(adapt(rows), params)


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
    """Return a method of the model; MLflow gives parameters to xgboost and python models only."""
    found = _callable(model, name)
    return None if found is None else lambda rows, params: found(rows)


def _callable(model: Any, name: str) -> Callable[..., Any] | None:
    found = getattr(model, name, None)
    return found if callable(found) else None


def _xgboost(model: Any, plan: Plan, name: str) -> Method | None:
    """Return a method of an xgboost model; ``predict`` gets the parameters that it accepts, as MLflow gives them.

    A Booster's takes a DMatrix, which MLflow makes of the rows.
    """
    found = _callable(model, name)
    if found is None or name != "predict":
        return _own(model, plan, name)
    accepted = inspect.signature(found).parameters
    xgboost = importlib.import_module("xgboost")
    is_booster = isinstance(model, xgboost.Booster)

    def predict(rows: Any, params: Params) -> Any:
        if is_booster:
            # Rows without names are taken in the order that the model was trained on; xgboost would refuse them.
            names = None if hasattr(rows, "columns") else model.feature_names
            cast = any(str(kind) == "category" for kind in getattr(rows, "dtypes", ()))
            rows = xgboost.DMatrix(
                rows, feature_names=names, **({"enable_categorical": True} if cast else {})
            )
        given = {**plan["params"], **(params or {})}
        return found(rows, **{key: value for key, value in given.items() if key in accepted})

    return predict


def _pyfunc(model: Any, plan: Plan, name: str) -> Method | None:
    """Return a method of an mlflow.pyfunc model: its ``predict``, or one of what it wraps.

    That is the python model, which gets the context and the parameters that predict would get, or a flavour's own
    model.
    """
    if name == "predict":
        return functools.partial(_predict, model)
    if name == PREDICT_STREAM:
        return lambda rows, params: model.predict_stream(rows, **_given(params))
    for owner in _owners(model):
        found = _callable(owner, name)
        if found is not None:
            return _with_context(model, plan, found)
    return None


def _predict(model: Any, rows: Any, params: Params) -> Any:
    """Call predict; MLflow adds default parameters."""
    return model.predict(rows, **_given(params))


def _given(params: Params) -> dict[str, Any]:
    """Return the parameters as MLflow takes them, which before 2.6 has none."""
    return {} if params is None else {"params": params}


def _owners(model: Any) -> list[Any]:
    """Return what an mlflow.pyfunc model wraps, the innermost first; _model_impl is MLflow's "developer API"."""
    wrapper = model._model_impl
    raw = wrapper.get_raw_model() if hasattr(wrapper, "get_raw_model") else None
    owners = [getattr(wrapper, "python_model", None), raw, wrapper]
    return [owner for owner in owners if owner is not None]


def _with_context(model: Any, plan: Plan, found: Callable[..., Any]) -> Method:
    """Return a method that gives ``found`` the context and the parameters, where it has a place for them."""
    try:
        accepted = inspect.signature(found).parameters
    except ValueError:
        return lambda rows, params: found(rows)
    needed = [each.name for each in accepted.values() if each.default is each.empty and each.name != "params"]
    wrapper = model._model_impl
    first = []
    if hasattr(wrapper, "context") and (needed[:1] == ["context"] or len(needed) == 2):
        first = [wrapper.context]
    if "params" not in accepted:
        return lambda rows, params: found(*first, rows)
    return lambda rows, params: found(*first, rows, params={**plan["params"], **(params or {})})


FINDERS = {"xgboost": _xgboost, "pyfunc": _pyfunc}
