"""An overlay's expected.json: a request, and the answer that the model gave when it was promoted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest

FILE = "expected.json"
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Expectation:
    """A SeldonMessage to send, and the one to get, whose meta.requestPath the rendered manifest says."""

    request: dict[str, Any]
    response: dict[str, Any]


def read(folder: Path) -> Expectation:
    """Return what the expected.json of the overlay in ``folder`` says.

    Raises:
        BadManifest: there is none, or it does not hold a request and a response.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_bytes())
        return Expectation(dict(content["request"]), dict(content["response"]))
    except FileNotFoundError as error:
        raise BadManifest(
            f"{path}: there is no such file; add one with a request and the model's response"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadManifest(f"{path}: must be a JSON object with the objects request and response") from error


def differences(expected: Any, answer: Any, where: str = "") -> list[str]:
    """Return how ``answer`` differs from ``expected``: numbers by more than 1e-9, anything else at all.

    Each difference names its place, as in data.ndarray[0][2].
    """
    if _number(expected) and _number(answer):
        if math.isclose(expected, answer, rel_tol=0, abs_tol=TOLERANCE):
            return []
        return [f"{where} is {answer!r}: must be {expected!r} to {TOLERANCE:g}"]
    if isinstance(expected, Mapping) and isinstance(answer, Mapping):
        missing = [f"{_join(where, key)} is missing" for key in expected if key not in answer]
        more = [f"{_join(where, key)} is not expected" for key in answer if key not in expected]
        inside = [
            difference
            for key in expected
            if key in answer
            for difference in differences(expected[key], answer[key], _join(where, key))
        ]
        return missing + more + inside
    if isinstance(expected, list) and isinstance(answer, list):
        if len(expected) != len(answer):
            return [f"{where} has {len(answer)} entries: must be {len(expected)}"]
        return [
            difference
            for index, pair in enumerate(zip(expected, answer, strict=True))
            for difference in differences(*pair, f"{where}[{index}]")
        ]
    # In Python true equals 1.
    same = type(expected) is type(answer) and expected == answer
    return [] if same else [f"{where} is {answer!r}: must be {expected!r}"]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
