"""The values of GitHub's expressions, how they are compared and how they become numbers and strings.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#operators
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

# What JSON has: None, bool, float or int, str, a sequence, a mapping.
Value: TypeAlias = Any

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_RADIX = re.compile(r"0x([0-9a-fA-F]+)|0o([0-7]+)")


class CaseSensitive(dict[str, Any]):
    """An object whose keys differ by case: the variables of a Linux runner. All others' do not."""


def number(text: str) -> float:
    """Return the number that ``text`` writes, NaN for what is none; an empty text is 0."""
    text = text.strip()
    if not text:
        return 0
    if radix := _RADIX.fullmatch(text):
        return float(int(radix[1], 16) if radix[1] else int(radix[2], 8))
    if text in ("Infinity", "+Infinity", "-Infinity"):
        return -math.inf if text[0] == "-" else math.inf
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def to_number(value: Value) -> float:
    match value:
        case None:
            return 0
        case bool() | int() | float():
            return float(value)
        case str():
            return number(value)
    return math.nan


def to_string(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if math.isnan(value):
            return "NaN"
        case float() if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case int() | float():
            return f"{value + 0:.15g}" if value else "0"
        case str():
            return value
        case Mapping():
            return "Object"
    return "Array"


def truthy(value: Value) -> bool:
    """Return whether a condition of this value holds: false, 0, NaN, '' and null do not."""
    match value:
        case None | "" | False:
            return False
        case int() | float():
            return value != 0 and not math.isnan(value)
    return True


def kind(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case Sequence():
            return "array"
    raise TypeError(f"{value!r} is no value of an expression")


def equal(left: Value, right: Value) -> bool:
    """Return whether ``left == right``: strings without case, what differs in kind as numbers, objects by identity."""
    if kind(left) != kind(right):
        return to_number(left) == to_number(right)
    match left:
        case str():
            return left.upper() == str(right).upper()
        case Mapping() | Sequence():
            return left is right
    return bool(left == right)


def less(left: Value, right: Value) -> bool:
    """Return whether ``left < right``; what is no number is neither less nor greater."""
    if kind(left) != kind(right):
        return to_number(left) < to_number(right)
    match left:
        case str():
            return left.upper() < str(right).upper()
        case bool() | int() | float():
            return bool(left < right)
    return False


def member(value: Value, key: Value) -> Value:
    """Return what an object has under a name or an array at an index, None where there is nothing."""
    if isinstance(value, CaseSensitive):
        return value.get(to_string(key))
    if isinstance(value, Mapping):
        name = to_string(key).upper()
        return next((value[each] for each in value if each.upper() == name), None)
    if kind(value) == "array":
        index = to_number(key)
        return value[int(index)] if 0 <= index < len(value) else None
    return None
