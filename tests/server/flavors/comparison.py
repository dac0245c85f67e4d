"""An answer beside that of MLflow's own scoring server, for the same model and the same rows.

They are equal, in names, values and types of JSON, or differ in a way that has a name here. What has none fails.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

Case = dict[str, Any]
MISTAKEN = "answers for the names of the columns, not for the texts"
# Where MLflow refuses what the server answers: words of its message.
REFUSALS = {
    "does not match expected shape": "refuses: takes no other shape than the signature's",
    "Model is missing inputs [0, 1": "refuses: takes whole numbers only for names",
    "must be a dictionary with 'inputs' key": "refuses: takes `inputs` only",
    "Expected type float, but got int": "refuses: takes no whole number for a float",
    "but got list": "refuses: takes the values, not rows of one",
    "got <class 'list'>": "refuses: takes the values, not rows of one",
    "validation errors for": "refuses: reads no time and no bytes in an object",
    "Encountered an unexpected error while evaluating the model": "fails: 400 without a reason",
    "Internal Server Error": "fails: 500 without a message",
}
# Where MLflow answers what the server refuses: words of the server's message.
ACCEPTED = {
    "data.names is missing": "answers, when it is sent the names of the signature",
    "{} must be": "answers: takes an object for true",
    "null must be a string": MISTAKEN,
}


def compared(case: Case, names: list[str] | None = None) -> str:
    """Return how MLflow's scoring server answers, beside the server: "equal", or what is not.

    ``names`` are those that the server gave to the columns, where they are known.

    Raises:
        AssertionError: nobody has given the difference a name.
    """
    theirs = case.get("mlflow")
    if theirs is None:
        return "serves `predict` only" if "predict_method" in case["parameters"] else "does not serve it"
    if theirs["status"] != 200:
        if "refused" in case:
            return "refuses too"
        if case["error"]:
            return "fails too"
        return _named(REFUSALS, theirs["message"], case)
    if "refused" in case or case["error"]:
        return _named(ACCEPTED, case.get("refused") or case["error"], case)
    return _answers(case, theirs["predictions"], names)


def _named(words: dict[str, str], message: str, case: Case) -> str:
    for pattern, name in words.items():
        if pattern in message:
            return name
    raise AssertionError(f"this difference from MLflow's scoring server has no name: {json.dumps(case)}")


def _answers(case: Case, predictions: Any, names: list[str] | None) -> str:
    ours = case["answer"]
    if _same(predictions, case.get("mistaken")) and not _same(predictions, ours):
        return MISTAKEN
    theirs, stated = _table(predictions) if _rows(ours) else (predictions, None)
    differences = []
    for name, changed in DIFFERENCES.items():
        if _same(theirs, ours):
            break
        after = _each(theirs, ours, changed)
        if not _same(after, theirs):
            differences.append(name)
            theirs = after
    assert _same(theirs, ours), (
        f"this difference from MLflow's scoring server has no name: {json.dumps(case)}"
    )
    assert None in (stated, names) or stated == names, f"MLflow calls the columns {stated}, not {names}"
    if differences:
        return "; ".join(differences)
    return "equal" if stated is not None or names is None else "equal, and names no columns"


def _rows(answer: Any) -> bool:
    return isinstance(answer, list) and all(isinstance(row, list) for row in answer)


def _table(predictions: Any) -> tuple[Any, list[str] | None]:
    """Return the rows and the names of the records that MLflow writes for a DataFrame."""
    if isinstance(predictions, list) and predictions and all(isinstance(each, dict) for each in predictions):
        return [list(each.values()) for each in predictions], list(predictions[0])
    return predictions, None


def _same(one: Any, other: Any) -> bool:
    # In Python 1 equals 1.0 and true.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _each(theirs: Any, ours: Any, changed: Callable[[Any, Any], Any]) -> Any:
    """Return MLflow's answer with each value changed, beside the server's at the same place."""
    theirs = changed(theirs, ours)
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [_each(*both, changed) for both in zip(theirs, ours, strict=True)]
    if isinstance(theirs, dict) and isinstance(ours, dict) and theirs.keys() == ours.keys():
        return {key: _each(value, ours[key], changed) for key, value in theirs.items()}
    return theirs


def _not_a_number(theirs: Any, ours: Any) -> Any:
    return None if isinstance(theirs, float) and math.isnan(theirs) else theirs


def _not_a_time(theirs: Any, ours: Any) -> Any:
    return None if theirs == "NaT" else theirs


def _nanoseconds(theirs: Any, ours: Any) -> Any:
    if type(theirs) is not int or not isinstance(ours, str):
        return theirs
    return (datetime(1970, 1, 1) + timedelta(microseconds=theirs // 1000)).isoformat()


def _base64(theirs: Any, ours: Any) -> Any:
    if not isinstance(theirs, str) or not theirs.endswith("\n"):
        return theirs
    return base64.b64encode(base64.b64decode(theirs)).decode()


def _alone(theirs: Any, ours: Any) -> Any:
    return [theirs] if isinstance(ours, list) and not isinstance(theirs, list | dict) else theirs


def _series(theirs: Any, ours: Any) -> Any:
    return theirs["0"] if isinstance(theirs, dict) and list(theirs) == ["0"] else theirs


def _last_digit(theirs: Any, ours: Any) -> Any:
    close = type(theirs) is type(ours) is float and math.isclose(theirs, ours, rel_tol=1e-14)
    return ours if close else theirs


# What makes MLflow's answer the server's.
DIFFERENCES = {
    "writes NaN, which is no JSON, for null": _not_a_number,
    'writes "NaT" for null': _not_a_time,
    "writes times as nanoseconds": _nanoseconds,
    "ends base64 with a line feed": _base64,
    "answers one value that is in no list": _alone,
    'answers a Series as objects with the key "0"': _series,
    "reads numbers without their last digit": _last_digit,
}
