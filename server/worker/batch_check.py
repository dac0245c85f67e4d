"""The batch check: which methods may be called with a batch, tried with the input example if that is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ipc.columnar_table import ColumnarTable
from . import output
from .answer import Callee, call_model
from .exceptions import exception_text
from .methods import PREDICT_STREAM
from .rowwise import rowwise

# Rows of the input example that are called one by one, and numbers of rows that are called together: few and many, odd and even.
SINGLES = 4
SIZES = (2, 7, 32)
APART = "a row of the model's input example gets another answer beside others than by itself"
MOST_SHOWN = 60
# How many units of the type's last place rounding moves an answer at most: a long sum in another order has some.
UNITS = 1024


def candidates(model: Any, callee: Callee, mode: str) -> list[str]:
    """Return the names of the methods whose calls may be answered together, unless the input example shows otherwise.

    ``mode`` is "on" for all of them, "off", or "auto" for those that are known to compute row by row.
    """
    return [
        name
        for name in sorted(callee.methods)
        if name != PREDICT_STREAM and (mode == "on" or (mode == "auto" and rowwise(model, name)))
    ]


def checked(
    callee: Callee, names: list[str], call: dict[str, Any], values: list[Any], mode: str
) -> tuple[list[str], list[str]]:
    """Return which of ``names`` may be called with a batch, and notes for the log.

    ``call`` is the header of a call made of the model's input example, ``values`` its values, whose rows are called one by one
    and together. "auto" leaves out a method where a row gets another answer; "on" keeps it and logs the difference.
    """
    found = {name: _difference(callee, {**call, "method": name}, values) for name in names}
    if mode == "on":
        return names, [
            f"{name} is called for several requests at once, as batching: on asks for: {exception_text}"
            for name, exception_text in found.items()
            if exception_text
        ]
    return [name for name in names if not found[name]], [
        f"{name} is called for one request at a time: {exception_text}"
        for name, exception_text in found.items()
        if exception_text
    ]


def _difference(callee: Callee, header: dict[str, Any], values: list[Any]) -> str:
    """Return what sets a row's answer beside others apart from that by itself, or nothing."""
    try:
        return _compared(callee, header, values)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises
        output.write_exception(error, f"{header['method']} fails with the model's input example")
        return f"with the model's input example it raises {type(error).__name__}: {exception_text(error)}"


def _compared(callee: Callee, header: dict[str, Any], values: list[Any]) -> str:
    count = min(len(values[0]), SINGLES)
    singles = [
        _rows(call_model(callee, header, [value[index : index + 1] for value in values])[0])
        for index in range(count)
    ]
    if any(len(single) != 1 for single in singles):
        return "its answer to a row of the model's input example has not one row"
    largest = 0.0
    rounding = True
    for size in SIZES:
        indices = np.arange(size) % count
        together = _rows(call_model(callee, header, [value[indices] for value in values])[0])
        if len(together) != size:
            return f"its answer to {size} rows has {len(together)}"
        for index, answer in zip(indices, together):
            left, right = np.asarray(singles[index][0]), np.asarray(answer)
            if _equal(left, right):
                continue
            if left.dtype != right.dtype or left.shape != right.shape or left.dtype.kind not in "fc":
                return f"{APART}: {_shown(left)} and {_shown(right)}"
            with np.errstate(all="ignore"):
                apart = np.abs(left - right)
                largest = max(largest, float(np.nanmax(apart, initial=0.0)))
                tolerance = UNITS * np.finfo(left.dtype).eps
                rounding = rounding and bool(
                    np.allclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)
                )
    if rounding and not largest:
        return ""
    how = "which is the type's rounding" if rounding else "which is more than the type's rounding explains"
    return f"{APART}, by up to {largest:.3g}, {how}"


def _rows(answer: Any) -> Any:
    return answer.tolist() if isinstance(answer, ColumnarTable) else answer


def _equal(left: np.ndarray, right: np.ndarray) -> bool:
    """Return whether two answers have the same bits."""
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.kind == "O":
        return bool(left.tolist() == right.tolist())
    return left.tobytes() == right.tobytes()


def _shown(value: np.ndarray) -> str:
    return repr(value.tolist())[:MOST_SHOWN]
