"""What the model's method returns as a value that can be sent, and what a custom Python model says beside it.

Numbers and columns are sent with the types that they have. Beside its answer a model may have metrics and tags, as Seldon's
components do: client_custom_metrics, client_custom_tags and SeldonResponse in user_model.py of seldon-core 1.17.1.
"""

from __future__ import annotations

import collections
import json
import math
from typing import Any, Dict, NamedTuple

import numpy as np

from ..ipc import dataframe
from ..ipc.jsonable import dumps, listed, plain

RAW_KINDS = "biufmM"
LISTS = (list, tuple, range, set, frozenset, collections.deque)
# Up to here a double has every integer's value.
EXACT = 2**53
FEW = 256
# What a frame's header has of it: {"metrics": […], "tags": {…}}.
Beside = Dict[str, Any]
TYPES = ("COUNTER", "GAUGE", "TIMER")


def result(value: Any) -> tuple[Any, list[str] | None]:
    """Return a method's result as a value that can be sent, and the names of its columns if it has them.

    That is an array, ColumnarTable where no array has a place for each column's type, nested lists, a dict, a str or bytes.

    Raises:
        TypeError: the result is of no kind that a Seldon message can hold.
    """
    if type(value) is np.ndarray and value.dtype.kind in RAW_KINDS and value.dtype.itemsize <= 8:
        return np.atleast_1d(value), None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), None
    if isinstance(value, (str, dict)):
        return value, None
    found = dataframe.table(value)
    if found is not None:
        return found[1], found[0]
    if isinstance(value, LISTS):
        return _listed(list(value)), None
    if isinstance(value, np.ndarray) and value.dtype.names and value.ndim == 1:
        return _structured(value)
    return _one_table(value), None


def _one_table(value: Any) -> Any:
    """Return what has no names."""
    column = dataframe.column(value)
    if column is not None:
        return column
    if hasattr(value, "toarray") or hasattr(value, "detach"):
        return _array(dataframe.dense(value))
    if isinstance(value, (bool, int, float)) or hasattr(value, "__array__"):
        return _array(value if isinstance(value, np.ma.MaskedArray) else np.asarray(value))
    try:
        found = None if value is None else plain(value)
    except TypeError as error:
        if "no form in JSON" not in str(error):
            raise
        found = None
    if found is None:
        raise TypeError(
            f"the model returned a {type(value).__name__}; it must return an array, a DataFrame, a list, a dict, a str or bytes"
        )
    if isinstance(found, list):
        return _listed(found)
    return found if isinstance(found, dict) else [found]


def _array(array: Any) -> Any:
    array = np.atleast_1d(array)
    masked = isinstance(array, np.ma.MaskedArray)
    if masked and not np.ma.getmaskarray(array).any():
        array, masked = array.data, False
    if not masked and array.dtype.kind in RAW_KINDS and array.dtype.itemsize <= 8:
        return np.asarray(array)
    return listed(array)


def _structured(array: np.ndarray) -> tuple[Any, list[str]]:
    """Return an array of records, as of survival models, by its fields."""
    names = list(array.dtype.names or ())
    return dataframe.together([_array(array[name]) for name in names], len(array)), names


def _listed(values: list[Any]) -> Any:
    """Return a list as an array of numbers if it is one, and that has the same values.

    numpy would make strings of numbers beside strings, numbers of booleans beside numbers, and doubles of large integers
    beside doubles.
    """
    if any(isinstance(value, np.ma.MaskedArray) for value in values):
        return values
    try:
        array = np.array(values)
    except ValueError:
        return values  # Lists of several lengths.
    if array.dtype.kind not in RAW_KINDS or not _is_exact(array, values):
        return values
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array


def _is_exact(array: np.ndarray, values: list[Any]) -> bool:
    if array.dtype.kind not in "iuf":
        return True
    few = array.size <= FEW
    hides_booleans = few or bool(((array == 0) | (array == 1)).any())
    hides_integers = array.dtype.kind == "f" and (few or bool((np.abs(array) >= EXACT).any()))
    if not hides_booleans and not hides_integers:
        return True
    cells = np.array(values, dtype=object).ravel().tolist()
    types = set(map(type, cells))
    if bool in types or np.bool_ in types:
        return False
    whole = [kind for kind in types if issubclass(kind, (int, np.integer))]
    return not (hides_integers and whole) or not any(
        isinstance(cell, (int, np.integer)) and abs(int(cell)) > EXACT for cell in cells
    )


class Response(NamedTuple):
    """A model's answer, and what it says beside it, if anything."""

    value: Any
    beside: Beside | None = None


def response(value: Any, component: Any = None) -> Response:
    """Return what a model's method has returned, and what ``component``, a custom Python model, says of that call.

    Raises:
        TypeError: its metrics or tags are of another form than Seldon's.
    """
    metrics, tags = _said(component, "metrics"), _said(component, "tags")
    if type(value).__name__ == "SeldonResponse":
        metrics, tags = [*_list(metrics), *_list(value.metrics)], {**_object(tags), **_object(value.tags)}
        value = value.data
    beside: Beside = {}
    if metrics:
        beside["metrics"] = [_metric(each) for each in _list(metrics)]
    if tags:
        beside["tags"] = json.loads(dumps(_object(tags)))
    return Response(value, beside or None)


def _said(component: Any, name: str) -> Any:
    """Return what a method of the component says; one that the component's class leaves to Seldon says nothing."""
    method = getattr(component, name, None)
    if not callable(method):
        return None
    try:
        return method()
    except NotImplementedError:
        return None
    except Exception as error:
        if type(error).__name__ == "SeldonNotImplementedError":
            return None
        raise


def _list(metrics: Any) -> Any:
    if metrics is None:
        return []
    if not isinstance(metrics, (list, tuple)):
        raise TypeError(f"the model's metrics are a {type(metrics).__name__}: they must be a list")
    return metrics


def _object(tags: Any) -> Any:
    if tags is None:
        return {}
    if not isinstance(tags, dict) or not all(isinstance(key, str) for key in tags):
        raise TypeError(f"the model's tags are {tags!r:.200}: they must be a dict whose keys are strings")
    return tags


def _metric(metric: Any) -> Any:
    """Return a metric of the model in plain types."""
    rule = "it must have a key (a string), a type (COUNTER, GAUGE or TIMER), a value (a number), and may have tags (strings)"
    try:
        key, kind, value = metric["key"], metric["type"], float(metric["value"])
        tags = metric.get("tags") or {}
        fits = isinstance(key, str) and kind in TYPES and math.isfinite(value)
        fits = fits and all(isinstance(text, str) for pair in tags.items() for text in pair)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TypeError(f"the model's metric is {metric!r:.200}: {rule}") from error
    if not fits:
        raise TypeError(f"the model's metric is {metric!r:.200}: {rule}")
    return {"key": key, "type": kind, "value": value, **({"tags": dict(tags)} if tags else {})}
