"""What a fitted model itself calls the columns of its answers, found once when it is loaded.

A transformer says it (get_feature_names_out), a classifier has its classes in the order of its probabilities, and what
is transformed back has the columns that the model was fitted with.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable

from .rowwise import COMPOSITES, parts

CLASSES = frozenset(("predict_proba", "predict_log_proba", "decision_function"))
# Each column of what these transform is that of the input in the same place. Before scikit-learn 1.1 they do not say so.
KEEPING = frozenset(
    (
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "Binarizer",
        "OrdinalEncoder",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "SimpleImputer",
        "StandardScaler",
    )
)
PIPELINE = {"Pipeline": "steps"}


def names(owner: Any, method: str, inputs: list[str] | None) -> tuple[list[str] | None, str]:
    """Return the names of the columns that a method of ``owner`` answers with, or None; and a note for the log.

    ``inputs`` are the columns of the model's signature, in whose order it is called: they are the names of the columns
    that a model was fitted with which has none itself. Whether there are as many names as columns, an answer shows.
    """
    try:
        if method == "transform":
            return _transformed(owner, inputs), ""
        if method == "inverse_transform":
            return _fitted(owner) or inputs, ""
        return (_classes(owner, method), "") if method in CLASSES else (None, "")
    except Exception as error:  # noqa: BLE001  whatever the model raises: it is served without names
        return (
            None,
            f"the columns of {method} have no names: {type(owner).__name__} raises {type(error).__name__}: {error}",
        )


def _transformed(owner: Any, inputs: list[str] | None) -> list[str] | None:
    keeps = all(type(part).__name__ in KEEPING and _no_more(part) for part in parts(owner, PIPELINE))
    # The second is that of scikit-learn before 1.0.
    for getter in ("get_feature_names_out", "get_feature_names"):
        found = getattr(owner, getter, None)
        if callable(found):
            try:
                return _texts(found(inputs) if _takes(owner, found, inputs) else found())
            except AttributeError:  # A step of a pipeline lacks the method.
                if not keeps:
                    raise
    return _fitted(owner) or inputs if keeps else None


def _takes(owner: Any, getter: Callable[..., Any], inputs: list[str] | None) -> bool:
    """Return whether the method needs input_features, and their number fits where the estimator records one."""
    return (
        inputs is not None
        and _fitted(owner) is None
        and getattr(owner, "n_features_in_", len(inputs)) == len(inputs)
        and "input_features" in inspect.signature(getter).parameters
    )


def _no_more(part: Any) -> bool:
    return not getattr(part, "add_indicator", False)


def _fitted(owner: Any) -> list[str] | None:
    found = getattr(owner, "feature_names_in_", None)
    return None if found is None else _texts(found)


def _classes(owner: Any, method: str) -> list[str] | None:
    """Return the classes as text, unless there are some for each of several outputs."""
    classes = getattr(owner, "classes_", None)
    if classes is None or getattr(classes, "ndim", 1) != 1:
        return None
    if any(hasattr(each, "__len__") and not isinstance(each, (str, bytes)) for each in classes):
        return None
    if method == "decision_function":
        shapes = {getattr(part, "decision_function_shape", None) for part in parts(owner, COMPOSITES)}
        if "ovo" in shapes:
            return None  # A column is a pair of classes; of three there are three.
    return _texts(classes)


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values]
