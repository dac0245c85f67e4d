"""What the model's method returns as a value that can be sent."""

from __future__ import annotations

from typing import Any

import numpy as np

RAW_KINDS = "biufmM"


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
        names = None if columns is None else [str(name) for name in columns]
        value = _plain(value)
    elif isinstance(value, (list, tuple)):
        value = _listed(list(value))
    elif isinstance(value, (bool, int, float)) or hasattr(value, "__array__"):
        value = np.asarray(value)
    if isinstance(value, list):
        return value, names
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(
            f"the model returned a {type(value).__name__}; it must return an array, a DataFrame, a list, a dict, a str or bytes"
        )
    return np.atleast_1d(value), names


def _plain(table: Any) -> Any:
    """Return the values of a DataFrame or Series, with None for what is missing where they are of mixed types."""
    values = table.to_numpy()
    if values.dtype.kind == "O":
        values = table.astype(object).where(table.notna(), None).to_numpy()
    return values


def _listed(values: list[Any]) -> Any:
    """Return a list as an array of numbers if it is one; numpy would make strings of numbers beside strings."""
    try:
        array = np.array(values)
    except ValueError:
        return values  # Lists of several lengths.
    return array if array.dtype.kind in RAW_KINDS else values
