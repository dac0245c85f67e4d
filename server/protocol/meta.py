"""The meta of a message, held to the types that it has in a SeldonMessage, and the prediction's unique id (puid).

The puid stands in an answer's headers too, as the orchestrator sets it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import getrandbits
from typing import Any

from server.errors import BadData
from server.schema.json_arrays import mapping, shown

# As a SeldonMessage has them, by name or number.
METRIC_TYPES = ("COUNTER", "GAUGE", "TIMER", 0, 1, 2)
# So deep a Struct of protobuf can be read by every language's library.
DEEPEST = 64
HEADER = "seldon-puid"
LONGEST = 256
_VERSION_4 = 0x4000_8000_0000_0000_0000
_KEPT = ~0xF000_C000_0000_0000_0000


def meta(value: Any) -> dict[str, Any]:
    """Return a message's meta, parsed from JSON; null is as good as nothing, for all of it and for each field.

    Raises:
        BadData: it is no object, or a field that an answer repeats has another type than in a SeldonMessage.
    """
    if value is None:
        return {}
    given = {key: entry for key, entry in mapping("meta", value).items() if entry is not None}
    for key, (fits, rule) in _RULES.items():
        if key in given and not fits(given[key]):
            raise BadData(f"meta.{key} is {shown(given[key])}: it must be {rule}")
    return given


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _are(fits: Callable[[Any], bool], value: Any) -> bool:
    """Return whether a value is a JSON object whose members all fit."""
    return isinstance(value, dict) and all(map(fits, value.values()))


def _is_metric(value: Any) -> bool:
    """Return whether a value is a metric; what is not there, or null, has the default of a SeldonMessage."""
    return isinstance(value, dict) and all(
        key not in value or value[key] is None or fits(value[key]) for key, fits in _METRIC.items()
    )


def _is_shallow(value: Any) -> bool:
    """Return whether objects and lists lie in each other no deeper than they may."""
    level = [value]
    for _ in range(DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for each in itertools.chain.from_iterable(inner) if isinstance(each, dict | list)]
        if not level:
            return True
    return False


_METRIC: dict[str, Callable[[Any], bool]] = {
    "key": _is_text,
    "type": lambda value: value in METRIC_TYPES and not isinstance(value, bool | float),
    "value": _is_number,
    "tags": lambda value: _are(_is_text, value),
}
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "puid": (_is_text, "a string"),
    "tags": (
        lambda value: isinstance(value, dict) and _is_shallow(value),
        f"a JSON object, at most {DEEPEST} deep",
    ),
    "routing": (
        lambda value: _are(lambda child: type(child) is int and -(2**31) <= child < 2**31, value),
        "a JSON object of whole numbers of 32 bits",
    ),
    "requestPath": (lambda value: _are(_is_text, value), "a JSON object of strings"),
    "metrics": (
        lambda value: isinstance(value, list) and all(map(_is_metric, value)),
        "a list of JSON objects, each with a key (a string), a type (COUNTER, GAUGE or TIMER), a value (a number) and tags "
        "(strings)",
    ),
}


def puid(meta: dict[str, Any], header: str | bytes | None) -> str:
    """Return the id of a request: its meta's, else its header's, else a new one.

    One that no header may hold (RFC 9110, 5.5) is left for the next.
    """
    for given in (meta.get("puid"), header):
        if isinstance(given, str) and 0 < len(given) <= LONGEST and _fits(given):
            return given
    # A UUID of version 4 (RFC 9562). It tells requests apart and keeps no secret: no call of the system for it.
    digits = f"{getrandbits(128) & _KEPT | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _fits(given: str) -> bool:
    return given.isascii() and given.isprintable() and given == given.strip()
