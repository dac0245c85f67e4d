"""An exception as an answer: its text, and whether the request is at fault, which only the worker can judge."""

from __future__ import annotations

import math
import re
import traceback
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from ..ipc.columnar_table import ColumnarTable
from . import output

# An exception may hold the data that it complains of.
MOST_CHARACTERS = 16_384


def exception_text(error: BaseException) -> str:
    """Return an exception's text, as UTF-8 can have it."""
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # noqa: BLE001  it is the user's code too
        text = f"its text cannot be had: {type(failure).__name__}"
    # Halves of surrogate pairs, as of file names and broken input, have no form in UTF-8.
    return text[:MOST_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def exception_header(error: BaseException) -> dict[str, str]:
    """Return an exception as it stands in a frame's header."""
    return {"type": type(error).__name__, "message": exception_text(error)}


# Where mlflow.pyfunc holds a request to a type hint, and to a signature: mlflow/pyfunc/utils/data_validation.py and
# mlflow/pyfunc/__init__.py of 2.20 to 3.17.
CHECKS = ("_validate_model_input", "_validate_prediction_input")
# How libraries name a value that is missing or not finite.
GAP = re.compile(r"(?i)\b(nan|nans|inf|infs|infinity|infinite|finite|missing|null|none|nonetype)\b")
OWN = frozenset(
    str(path)
    for package in ("worker", "ipc")
    for path in Path(__file__).parents[1].joinpath(package).glob("*.py")
)


class InvalidInput(ValueError):
    """The model cannot take what the request has; the message names the value, the rule and the fix."""


def failure(error: BaseException, values: Sequence[Any]) -> dict[str, Any]:
    """Return an exception as a frame's header, with its traceback unless the request, which has ``values``, is at fault.

    The server writes it into its log: it knows whose call it was.
    """
    refused = is_refusal(error, values)
    said = {"refused": refused, **exception_header(error)}
    return said if refused else {**said, "traceback": output.traceback_text(error)}


def is_refusal(error: BaseException, values: Sequence[Any] = ()) -> bool:
    """Return whether an exception is the fault of the request, which has ``values``."""
    if isinstance(error, InvalidInput):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    if any(frame.name in CHECKS and "mlflow" in frame.filename for frame in frames):
        return True
    # What the model has returned is not the request's doing.
    raised = frames[-1].filename not in OWN if frames else True
    return raised and bool(GAP.search(exception_text(error))) and any(map(has_gap, values))


def has_gap(value: Any) -> bool:
    """Return whether there is a NaN, an infinity or None in a call's value, however deep in it."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            if not np.isfinite(value).all():
                return True
        elif isinstance(value, ColumnarTable):
            left += value.columns
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, (list, tuple)):
            left += value
        elif value is None or (isinstance(value, float) and not math.isfinite(value)):
            return True
    return False
