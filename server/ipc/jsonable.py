"""Values of Python, numpy, pandas, polars, pyarrow and torch as JSON.

Times are ISO 8601, durations too; bytes are base64, as in a column of type binary and as MLflow writes them; what is
missing (None, NaT, NA, a masked cell) is null; a Decimal, a UUID and a path are text, so that nothing of them is lost; an Enum
is its value, a dataclass and a pydantic model an object, a DataFrame a list of objects.
"""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import uuid
from typing import Any

import numpy as np

from . import dataframe
from .columnar_table import duration_text, time_texts

MISSING = ("NaTType", "NAType")
TEXTS = (decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath)
# Of pandas; their text is what it prints.
RANGES = ("Interval", "Period")
BYTES = (bytes, bytearray, memoryview)
COLLECTIONS: Any = (
    collections.abc.Sequence,
    collections.abc.Set,
    collections.abc.MappingView,
    collections.deque,
)
SIMPLE = (str, int, float, bool, type(None))


def dumps(value: Any) -> str:
    """Return a value as JSON; NaN and Infinity may occur.

    Raises:
        TypeError: a part of it has no form in JSON.
    """
    try:
        return json.dumps(value, default=plain)
    except TypeError:
        # Keys are not asked for: a dict of numpy's integers, as of dict(zip(model.classes_, …)).
        return json.dumps(_keyed(value), default=lambda part: _keyed(plain(part)))


def plain(value: Any) -> Any:
    """Return what JSON knows for a value that it does not; what is in that may again be such a value.

    Raises:
        TypeError: it has no form in JSON.
    """
    kind = type(value).__name__
    if isinstance(value, (np.ndarray, np.generic)):
        return listed(value)
    if isinstance(value, BYTES):
        return base64.b64encode(value).decode()
    if kind in MISSING:
        return None
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.timedelta):
        return duration_text(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, TEXTS) or kind in RANGES:
        return str(value)
    found = _object(value)
    return _cells(value) if found is None else found


def listed(array: Any) -> Any:
    """Return a numpy array or scalar as nested lists of Python's values, or one; None for what is missing."""
    if isinstance(array, np.ma.MaskedArray) and np.ma.getmaskarray(array).any():
        cells = np.empty(array.shape, dtype=object)
        cells[...] = np.asarray(listed(np.asarray(array.data)), dtype=object).reshape(array.shape)
        cells[np.ma.getmaskarray(array)] = None
        return cells.tolist()
    kind = array.dtype.kind
    if kind in "mM":
        return time_texts(np.asarray(array))
    if kind == "V" and array.dtype.names is None and array.dtype.type is not np.void:
        return array.astype(np.float32).tolist()  # bfloat16 and smaller, of ml_dtypes
    if kind == "c" or (kind == "V" and array.dtype.names is None):
        raise TypeError(f"an array of {array.dtype} has no form in JSON")
    if kind == "V":
        rows = zip(*(listed(array[name]) for name in array.dtype.names)) if array.ndim else [array.tolist()]
        found = [dict(zip(array.dtype.names, row)) for row in rows]
        return found if array.ndim else found[0]
    if kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return array.tolist()


def _object(value: Any) -> Any:
    """Return what is an object in JSON, or a list of such, or None."""
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(getattr(value, "model_dump", None)):
        return value.model_dump()
    found = dataframe.table(value)
    if found is None:
        return None
    names, columns = found
    return [dict(zip(names, row)) for row in dataframe.rows(columns)]


def _cells(value: Any) -> Any:
    column = dataframe.column(value)
    if column is not None:
        return listed(column) if isinstance(column, np.ndarray) else column
    if hasattr(value, "toarray") or hasattr(value, "detach"):
        return listed(dataframe.dense(value))
    if isinstance(value, COLLECTIONS):
        return list(value)
    if hasattr(value, "__array__"):
        return listed(np.asarray(value))
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _keyed(value: Any) -> Any:
    """Return a value with keys that JSON knows."""
    if isinstance(value, dict):
        return {_key(key): _keyed(part) for key, part in value.items()}
    return [_keyed(part) for part in value] if isinstance(value, (list, tuple)) else value


def _key(key: Any) -> Any:
    if isinstance(key, SIMPLE):
        return key
    found = key if isinstance(key, tuple) else plain(key)
    if not isinstance(found, SIMPLE):
        raise TypeError(f"the key {key!r} of a dict has no form in JSON: it must be text, a number or a time")
    return found
