"""Call a method of the model with what a request brought, and make its result sendable."""

from __future__ import annotations

from typing import Any

import numpy as np


def argument(header: dict[str, Any], values: list[Any]) -> Any:
    """Return the method's argument.

    ``header["as"]`` is "array" (one value: an ndarray, or rows as lists) or "frame" (a DataFrame with the columns
    ``header["names"]``, from one 2-D value or, if ``header["columnar"]``, from a value a column).
    """
    if header["as"] == "array":
        return _rows(values[0])
    import pandas as pd

    names = header["names"]
    if not header["columnar"]:
        return pd.DataFrame(values[0], columns=names)
    frame = pd.DataFrame(dict(enumerate(values)))
    frame.columns = range(len(values)) if names is None else names
    return frame


def _rows(value: Any) -> Any:
    """Return rows of strings and mixed values as the objects they are; numpy would make them all strings."""
    if isinstance(value, np.ndarray):
        return value
    rows = np.empty((len(value), len(value[0])), dtype=object)
    for i, row in enumerate(value):
        for j, cell in enumerate(row):
            rows[i, j] = cell
    return rows


def result(value: Any) -> tuple[Any, list[str] | None]:
    """Return a method's result as a value that can be sent, and the names of its columns if it has them.

    Raises:
        TypeError: the result is of no kind that a Seldon message can hold.
    """
    if isinstance(value, (str, bytes, bytearray, dict)):
        return value, None
    if hasattr(value, "toarray"):
        value = value.toarray()
    names: list[str] | None = None
    if hasattr(value, "to_numpy"):
        columns = getattr(value, "columns", None)
        if columns is not None:
            names = [str(name) for name in columns]
            value = _frame(value)
        else:
            value = value.to_numpy()
    if isinstance(value, (list, tuple)):
        value = np.array(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(
            f"the model returned a {type(value).__name__}; it must return an array, a DataFrame, a list, a dict, a str or bytes"
        )
    return np.atleast_1d(value), names


def _frame(frame: Any) -> Any:
    """Return a DataFrame's values, with None for what is missing where its columns are of mixed types."""
    values = frame.to_numpy()
    if values.dtype.kind == "O":
        values = frame.astype(object).where(frame.notna(), None).to_numpy()
    return values
