"""Which exceptions are the request's doing: it has what the model cannot take, as only the model's process can tell."""

from __future__ import annotations

import traceback

# Where mlflow.pyfunc holds a request to a type hint, and to a signature: mlflow/pyfunc/utils/data_validation.py and
# mlflow/pyfunc/__init__.py of 2.20 to 3.17.
CHECKS = ("_validate_model_input", "_validate_prediction_input")


class Refused(ValueError):
    """The model cannot take what the request has; the message names the value, the rule and the fix."""


def is_refusal(error: BaseException) -> bool:
    """Return whether an exception tells of a request that does not fit the model."""
    if isinstance(error, Refused):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return any(frame.name in CHECKS and "mlflow" in frame.filename for frame in frames)
