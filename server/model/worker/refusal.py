"""Which exceptions are the request's doing: it has what the model cannot take, as only the model's process can tell."""

from __future__ import annotations

import math
import re
import traceback
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from .exceptions import described, said
from .table import Columns

# Where mlflow.pyfunc holds a request to a type hint, and to a signature: mlflow/pyfunc/utils/data_validation.py and
# mlflow/pyfunc/__init__.py of 2.20 to 3.17.
CHECKS = ("_validate_model_input", "_validate_prediction_input")
# How libraries call what a number is due for and is none.
GAP = re.compile(r"(?i)\b(nan|nans|inf|infs|infinity|infinite|finite|missing|null|none|nonetype)\b")
OWN = frozenset(str(path) for path in Path(__file__).parent.glob("*.py"))


class Refused(ValueError):
    """The model cannot take what the request has; the message names the value, the rule and the fix."""


def failure(error: BaseException, values: Sequence[Any]) -> dict[str, Any]:
    """Return what a call that has ``values`` is told of an exception; what is not the client's doing is logged."""
    refused = is_refusal(error, values)
    if not refused:
        traceback.print_exception(type(error), error, error.__traceback__)
    return {"refused": refused, **described(error)}


def is_refusal(error: BaseException, values: Sequence[Any] = ()) -> bool:
    """Return whether an exception tells of a request, which has ``values``, that does not fit the model."""
    if isinstance(error, Refused):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    if any(frame.name in CHECKS and "mlflow" in frame.filename for frame in frames):
        return True
    # What the model has returned is not the request's doing.
    raised = frames[-1].filename not in OWN if frames else True
    return raised and bool(GAP.search(said(error))) and any(map(has_gap, values))


def has_gap(value: Any) -> bool:
    """Return whether there is a NaN, an infinity or None in a call's value, however deep in it."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            if not np.isfinite(value).all():
                return True
        elif isinstance(value, Columns):
            left += value.columns
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, (list, tuple)):
            left += value
        elif value is None or (isinstance(value, float) and not math.isfinite(value)):
            return True
    return False
