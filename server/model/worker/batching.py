"""Which of a model's methods may answer several calls at once, and whether that changes an answer."""

from __future__ import annotations

import traceback
from typing import Any

import numpy as np

from .answer import Callee, called
from .methods import PREDICT_STREAM
from .rowwise import rowwise
from .table import Columns

# Rows of the input example that are called one by one, and numbers of rows that are called together: few and many, odd and even.
SINGLES = 4
SIZES = (2, 7, 32)
# How far two answers may be apart where batching was asked for although the model is not known to keep every bit.
ROUNDING = 1e-6


def batched(
    model: Any, callee: Callee, setup: dict[str, Any], values: list[Any]
) -> tuple[list[str], list[str]]:
    """Return the names of the methods whose calls may be answered together, and what is to be said of others.

    ``setup["batching"]`` is "on" for all of them, "off", or "auto" for those that are known to compute row by row.
    ``setup["example"]`` is the header of a call made of the model's input example, or None, and ``values`` its
    values: where a row gets another answer together with others than by itself, the method's calls are not
    answered together.
    """
    mode = setup["batching"]
    names = [
        name
        for name in sorted(callee.methods)
        if name != PREDICT_STREAM and (mode == "on" or (mode == "auto" and rowwise(model, name)))
    ]
    if setup["example"] is None:
        return names, []
    why_not = {name: _why_not(callee, {**setup["example"], "method": name}, values, mode) for name in names}
    together = [name for name in names if not why_not[name]]
    return together, [
        f"calls of {name} are not answered together: {why}" for name, why in why_not.items() if why
    ]


def _why_not(callee: Callee, header: dict[str, Any], values: list[Any], mode: str) -> str:
    """Return why calls are not answered together, or nothing."""
    try:
        same = _same(callee, header, values, exactly=mode == "auto")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises
        traceback.print_exc()
        return f"with the model's input example it raises {type(error).__name__}: {error}"
    return (
        "" if same else "a row of the model's input example gets another answer beside others than by itself"
    )


def _same(callee: Callee, header: dict[str, Any], values: list[Any], *, exactly: bool) -> bool:
    count = min(len(values[0]), SINGLES)
    singles = [
        _rows(called(callee, header, [value[index : index + 1] for value in values])[0])
        for index in range(count)
    ]
    if any(len(single) != 1 for single in singles):
        return False
    for size in SIZES:
        indices = np.arange(size) % count
        together = _rows(called(callee, header, [value[indices] for value in values])[0])
        if len(together) != size:
            return False
        for index, answer in zip(indices, together):
            if not _equal(singles[index][0], answer, exactly):
                return False
    return True


def _rows(answer: Any) -> Any:
    return answer.tolist() if isinstance(answer, Columns) else answer


def _equal(one: Any, other: Any, exactly: bool) -> bool:
    left, right = np.asarray(one), np.asarray(other)
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.kind == "O":
        return bool(left.tolist() == right.tolist())
    if exactly or left.dtype.kind not in "fc":
        return left.tobytes() == right.tobytes()
    return bool(np.allclose(left, right, rtol=ROUNDING, atol=0, equal_nan=True))
