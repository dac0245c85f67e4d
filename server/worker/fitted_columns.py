"""Columns of pandas' type ``category``: JSON has none, so values become the categories that a booster was trained on.

LightGBM keeps them in the model (pandas_categorical); XGBoost does so from 3.1 on, and takes their numbers before.
"""

from __future__ import annotations

import importlib
import json
import re
from typing import Any, Callable, Dict, Iterator, List, Optional

import numpy as np

from .exceptions import InvalidInput

# The categories by the position of their column; None where the model has not kept them.
Categories = Dict[int, Optional[List[Any]]]
_INDICES = re.compile(r"\[categorical_feature: ([\d,]+)\]")
Adapt = Callable[[Any], Any]

# Where estimators of scikit-learn, and those with the same interface, keep the ones that get their rows first.
STEPS = ("steps", "transformer_list")
HELD = ("best_estimator_", "regressor_", "estimators_", "calibrated_classifiers_", "estimator")
VECTORIZERS = ("_VectorizerMixin", "VectorizerMixin")


def categorical(model: Any) -> Callable[[Any], Any] | None:
    """Return what casts a request's columns to the categories of ``model``, or None where it has none."""
    package = type(model).__module__.partition(".")[0]
    if package == "lightgbm":
        booster = getattr(model, "booster_", model)
        names, known = booster.feature_name(), _lightgbm(booster)
    elif package == "xgboost" and (hasattr(model, "get_booster") or hasattr(model, "feature_types")):
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        names, known = booster.feature_names, _xgboost(booster)
    else:
        return None
    return (lambda rows: _cast(rows, names, known)) if known else None


def _lightgbm(booster: Any) -> Categories:
    kept = getattr(booster, "pandas_categorical", None)
    if not kept:
        return {}
    # The parameters of the training stand at the end of the model's text; one tree of it is enough.
    found = _INDICES.search(booster.model_to_string(num_iteration=1))
    indices = [int(index) for index in found.group(1).split(",")] if found else []
    return dict(zip(indices, kept)) if len(indices) == len(kept) else {}


def _xgboost(booster: Any) -> Categories:
    types = getattr(booster, "feature_types", None) or []
    indices = [index for index, kind in enumerate(types) if kind == "c"]
    if not indices:
        return {}
    kept = _kept(json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]) or []
    return {index: _decoded(kept[index]) if index < len(kept) else None for index in indices}


def _kept(booster: Any) -> list[dict[str, Any]] | None:
    """Return the categories as XGBoost saves them, wherever a kind of booster has them."""
    if not isinstance(booster, dict):
        return None
    if "cats" in booster:
        return list(booster["cats"]["enc"])
    return next(filter(None, map(_kept, booster.values())), None)


def _decoded(kept: dict[str, Any]) -> list[Any] | None:
    """Return the categories of a column: numbers, or texts as their bytes and where each begins."""
    values = kept["values"]
    if "offsets" not in kept:
        return list(values) or None
    ends = kept["offsets"]
    texts = bytes(byte % 256 for byte in values)
    return [texts[start:end].decode() for start, end in zip(ends, ends[1:])] or None


def _cast(rows: Any, names: list[str] | None, known: Categories) -> Any:
    """Return rows with their categorical columns cast; a value outside the categories is missing, as in training."""
    pandas = importlib.import_module("pandas")
    is_frame = hasattr(rows, "columns")
    if not is_frame and getattr(rows, "ndim", 0) != 2:
        return rows
    frame = rows.copy(deep=False) if is_frame else pandas.DataFrame(rows, columns=names).infer_objects()
    for index, categories in known.items():
        if index >= len(frame.columns):
            continue  # The model's own error names the missing column.
        name = frame.columns[index]
        if categories is not None:
            frame[name] = pandas.Categorical(frame[name], categories=categories)
        elif not pandas.api.types.is_numeric_dtype(frame[name]):
            raise InvalidInput(_lost(name, frame[name]))
    return frame if is_frame or any(known.values()) else rows


def _lost(name: Any, values: Any) -> str:
    shown = json.dumps(np.asarray(values, dtype=object).tolist()[0], default=str)
    version = importlib.import_module("xgboost").__version__
    return (
        f"column {str(name)!r}, row 0: {shown} is a category, and XGBoost {version} has not kept in the model which number "
        "it stands for; train and log the model with XGBoost 3.1 or later, or with an encoder of the column in a Pipeline"
    )


def adapter(model: Any) -> Adapt | None:
    """Return what makes of a request's rows those that ``model`` was fitted to, or None where it takes them as they are."""
    for first in _first(model):
        if any(kind.__name__ in VECTORIZERS for kind in type(first).__mro__):
            # What a function of the user's makes words of need not be text.
            free = (
                callable(getattr(first, "analyzer", None)) or getattr(first, "preprocessor", None) is not None
            )
            return lambda rows: _texts(rows, free)
        cast = categorical(first)
        if cast is not None:
            return cast
    return None


def _first(model: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the estimators that get a model's rows as they come, itself if it hands them to no other."""
    held = _held(model)
    if not held or depth > 9:
        yield model
        return
    for part in held:
        yield from _first(part, depth + 1)


def _held(model: Any) -> list[Any]:
    for name in STEPS:
        steps = getattr(model, name, None)
        if isinstance(steps, list):
            parts = [step[1] for step in steps if step[1] is not None and not isinstance(step[1], str)]
            return parts[:1] if name == "steps" else parts
    for name in HELD:
        found = getattr(model, name, None)
        if isinstance(found, np.ndarray):
            found = found.ravel().tolist()
        # They all get the same rows.
        part = found[0] if isinstance(found, list) and found else found
        if hasattr(part, "__dict__"):
            return [part]
    return []


def _texts(rows: Any, free: bool) -> list[Any]:
    """Return the texts of a request, one a row, as a vectorizer was fitted to them: a DataFrame's rows are its names to it."""
    if isinstance(rows, str):
        return [rows]
    if hasattr(rows, "to_numpy"):
        rows = rows.to_numpy(dtype=object)
    if isinstance(rows, np.ndarray):
        if rows.ndim > 1 and rows.shape[1] != 1:
            raise InvalidInput(
                f"the rows have {rows.shape[1]} columns: the model's first step makes words of texts; send one text a row"
            )
        rows = rows.reshape(len(rows), -1)[:, 0].tolist()
    texts = list(rows)
    for row, text in enumerate(texts):
        if not free and not isinstance(text, (str, bytes)):
            shown = "null" if text is None or text != text else repr(text)
            raise InvalidInput(
                f"row {row}: {shown} must be a string: the model's first step makes words of texts"
            )
    return texts
