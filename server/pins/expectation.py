"""An overlay's expected.json: a request, and the answer that the model gave when it was promoted.

The smoke test after a sync and the local run compare with it. Beside ``request`` and ``response`` it may hold a
``tolerance``, for models whose numbers depend on the CPU that they run on, and in ``varies`` the places of the answer
that are other ones in each call, such as an identifier or a time. ``models`` says by graph node of which models it is the
answer, by their digests; `make check` compares them with what is pinned. Where ``request`` and ``response`` are null, nobody
knows a request, and no answer is compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server.errors import BadExpectation

FILE = "expected.json"
TOLERANCE = 1e-9
MODELS = "models"


@dataclass(frozen=True)
class Expectation:
    """A SeldonMessage to send, and the one to get, whose numbers may be off by ``tolerance``.

    What stands at one of the places ``varies`` (jsonData.choices[0].id) must be there, and may be anything. ``models``
    are the digests of the models that gave it, by graph node.
    """

    request: dict[str, Any]
    response: dict[str, Any]
    tolerance: float = TOLERANCE
    varies: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)

    def differences(self, answer: Any) -> list[str]:
        """Return how ``answer`` differs from the response. What else it holds, such as meta, does not count."""
        given = answer if isinstance(answer, Mapping) else {}
        return [
            difference
            for key, value in self.response.items()
            for difference in differences(
                _blank(value, key, self.varies), _blank(given.get(key), key, self.varies), key, self.tolerance
            )
        ]


def read(path: Path) -> Expectation | None:
    """Return what the file says, or None where it says that no answer is compared.

    Raises:
        BadExpectation: it does not exist, is not JSON, or has no request or response.
    """
    try:
        content = json.loads(path.read_bytes())
        if content["request"] is None and content["response"] is None:
            return None
        request, response = dict(content["request"]), dict(content["response"])
        tolerance, varies = content.get("tolerance", TOLERANCE), content.get("varies", [])
        models = content.get(MODELS, {})
    except FileNotFoundError as error:
        raise BadExpectation(
            f"{path}: there is no such file; add one with a request and the model's response"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadExpectation(
            f"{path}: must be a JSON object with the objects request and response, or null as both"
        ) from error
    _check_constants(path, {"request": request, "response": response})
    if not _number(tolerance) or not 0 <= tolerance < math.inf:
        raise BadExpectation(f"{path}: tolerance is {tolerance!r}: must be a number of 0 or more")
    if not isinstance(varies, list) or not all(isinstance(place, str) for place in varies):
        raise BadExpectation(f"{path}: varies is {varies!r}: must be a list of places, such as jsonData.id")
    if not isinstance(models, dict) or not all(isinstance(digest, str) for digest in models.values()):
        raise BadExpectation(f"{path}: {MODELS} is {models!r}: must be an object of digests by graph node")
    return Expectation(request, response, float(tolerance), tuple(varies), models)


def places(expected: Any, answer: Any, where: str = "", tolerance: float = TOLERANCE) -> list[str]:
    """Return the places, as in data.ndarray[0][2], in which two answers to one request differ."""
    if isinstance(expected, Mapping) and isinstance(answer, Mapping) and expected.keys() == answer.keys():
        inside = [(expected[key], answer[key], _join(where, key)) for key in expected]
    elif isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        inside = [
            (*pair, f"{where}[{index}]") for index, pair in enumerate(zip(expected, answer, strict=True))
        ]
    else:
        return [where] if differences(expected, answer, where, tolerance) else []
    return [place for entry in inside for place in places(*entry, tolerance)]


def _blank(value: Any, where: str, varies: tuple[str, ...]) -> Any:
    """Return a value with null at the places that vary."""
    if where in varies:
        return None
    if isinstance(value, Mapping) and varies:
        return {key: _blank(entry, _join(where, key), varies) for key, entry in value.items()}
    if isinstance(value, list) and varies:
        return [_blank(entry, f"{where}[{index}]", varies) for index, entry in enumerate(value)]
    return value


def _check_constants(path: Path, content: Any, where: str = "") -> None:
    """Refuse NaN, Infinity and -Infinity, which Python's JSON has and no other."""
    if isinstance(content, float) and not math.isfinite(content):
        raise BadExpectation(
            f"{path}: {where} is {json.dumps(content)}, which is no JSON; write null, which stands for a gap in requests and answers"
        )
    entries = enumerate(content) if isinstance(content, list) else ()
    for index, entry in entries:
        _check_constants(path, entry, f"{where}[{index}]")
    for key, entry in content.items() if isinstance(content, dict) else ():
        _check_constants(path, entry, _join(where, key))


def differences(expected: Any, answer: Any, where: str = "", tolerance: float = TOLERANCE) -> list[str]:
    """Return how ``answer`` differs from ``expected``: numbers by more than ``tolerance``, anything else at all.

    Each difference names its place, as in data.ndarray[0][2].
    """
    if _number(expected) and _number(answer):
        if math.isclose(expected, answer, rel_tol=0, abs_tol=tolerance):
            return []
        return [f"{where} is {answer!r}: must be {expected!r} to {tolerance:g}"]
    if isinstance(expected, Mapping) and isinstance(answer, Mapping):
        missing = [f"{_join(where, key)} is missing" for key in expected if key not in answer]
        more = [f"{_join(where, key)} is not expected" for key in answer if key not in expected]
        inside = [
            difference
            for key in expected
            if key in answer
            for difference in differences(expected[key], answer[key], _join(where, key), tolerance)
        ]
        return missing + more + inside
    if isinstance(expected, list) and isinstance(answer, list):
        if len(expected) != len(answer):
            return [f"{where} has {len(answer)} entries: must be {len(expected)}"]
        return [
            difference
            for index, pair in enumerate(zip(expected, answer, strict=True))
            for difference in differences(*pair, f"{where}[{index}]", tolerance)
        ]
    # In Python true equals 1.
    same = type(expected) is type(answer) and expected == answer
    return [] if same else [f"{where} is {answer!r}: must be {expected!r}"]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
