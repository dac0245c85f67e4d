"""What a fitted estimator needs beyond the signature: texts as a list, and categorical columns."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import numpy as np

from .categories import categorical
from .exceptions import InvalidInput

Adapt = Callable[[Any], Any]

# Where estimators of scikit-learn, and those with the same interface, keep the ones that get their rows first.
STEPS = ("steps", "transformer_list")
HELD = ("best_estimator_", "regressor_", "estimators_", "calibrated_classifiers_", "estimator")
VECTORIZERS = ("_VectorizerMixin", "VectorizerMixin")


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
