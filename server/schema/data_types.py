"""A JSON value as any data type of a signature: a scalar, or an array, object or map of such."""

from __future__ import annotations

import binascii
import json
import re
from typing import Any

import numpy as np

INTEGERS = {"long": "int64", "integer": "int32"}
FLOATS = {"double": "float64", "float": "float32"}
NAMES = {*INTEGERS, *FLOATS, "boolean", "string", "datetime", "binary"}

WITHOUT_ZONE = ", without a zone"
_ZONED = re.compile(r"(.+:.+?)(Z|[+-]([01]\d|2[0-3]):[0-5]\d)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?")
# What 64 bits of nanoseconds reach.
_FIRST, _LAST = np.datetime64("1677-09-21T00:12:44", "s"), np.datetime64("2262-04-11T23:47:16", "s")
Type = str | dict[str, Any]


class Misfit(Exception):
    """A value is not of its type. ``path`` leads to it inside an array, object or map, as in ``.size[2]``."""

    def __init__(self, value: Any, rule: str, kind: str, path: str = "") -> None:
        super().__init__(rule)
        self.value, self.rule, self.kind, self.path = value, rule, kind, path

    def inside(self, step: str) -> Misfit:
        """Return the same for a value that lies at ``step`` of a larger one."""
        return Misfit(self.value, self.rule, self.kind, step + self.path)

    def __str__(self) -> str:
        """Return what is wrong, after the place where it is."""
        where = f", at {self.path}" if self.path else ""
        shown = json.dumps(self.value, ensure_ascii=False)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
        return f"{where}: {shown} {self.rule}, the model's signature says {self.kind}"


def is_missing(value: Any) -> bool:
    """Return whether a value is null or NaN."""
    return value is None or value != value


def scalar(value: Any, kind: str) -> Any:
    """Return ``value`` as the scalar type ``kind``; a time and bytes stay text, checked.

    null is NaN for a number that is no integer and None for any other type; an integer cannot be missing.

    Raises:
        Misfit: it is not of that type.
    """
    if kind in INTEGERS:
        return _integer(value, kind)
    if kind in FLOATS:
        return _float(value, kind)
    if is_missing(value):
        return None
    if kind == "boolean":
        if type(value) is not bool:
            raise Misfit(value, "must be true or false", kind)
    elif kind == "string":
        if not isinstance(value, str):
            raise Misfit(value, "must be a string", kind)
    elif kind == "datetime":
        _check_time(value)
    else:
        _check_base64(value)
    return value


def hinted_time(value: Any) -> Any:
    """Return a time for a Python datetime, as which it may have a zone; it stays text, checked.

    Raises:
        Misfit: it is no time.
    """
    zone = _ZONED.fullmatch(value) if isinstance(value, str) else None
    try:
        scalar(value if zone is None else zone[1], "datetime")
    except Misfit as misfit:
        rule = misfit.rule.replace(WITHOUT_ZONE, " or 2026-01-31T12:00:00+01:00")
        raise Misfit(value, rule, misfit.kind) from misfit
    return None if is_missing(value) else value


def _integer(value: Any, kind: str) -> int:
    if type(value) not in (int, float):
        raise Misfit(value, "must be a number", kind)
    limits = np.iinfo(INTEGERS[kind])
    if value != value or value in (float("inf"), float("-inf")) or int(value) != value:
        raise Misfit(value, "must be a whole number", kind)
    # The double -2**63 is what every integer a little below it becomes, too.
    if not limits.min <= value <= limits.max or (type(value) is float and value <= -(2.0**63)):
        raise Misfit(value, f"must be from {limits.min} to {limits.max}", kind)
    return int(value)


def _float(value: Any, kind: str) -> float:
    if value is None:
        return float("nan")
    if type(value) not in (int, float):
        raise Misfit(value, "must be a number", kind)
    if value != value or value in (float("inf"), float("-inf")):
        return float(value)
    limit = float(np.finfo(FLOATS[kind]).max)
    if not -limit <= value <= limit:
        raise Misfit(value, f"must be from {-limit} to {limit}", kind)
    return float(value) if kind == "double" else float(np.float32(value))


def _check_time(value: Any) -> None:
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            seconds = np.datetime64(value[:19], "s")
        except ValueError:
            pass
        else:
            if _FIRST <= seconds < _LAST:
                return
            raise Misfit(value, f"must be from {_FIRST} to {_LAST}", "datetime")
    raise Misfit(value, f"must be a time such as 2026-01-31T12:00:00{WITHOUT_ZONE}", "datetime")


def _check_base64(value: Any) -> None:
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except (ValueError, TypeError) as error:
        raise Misfit(value, "must be base64", "binary") from error


def fit(value: Any, kind: Type, *, required: bool = True, hinted: bool = False) -> Any:
    """Return ``value`` as the type ``kind``, MLflow's name of a scalar or its JSON object for any other type.

    Where ``required`` is false, null stands for a value that is not there.

    ``hinted`` says that the type was inferred from a type hint, by which MLflow checks the value again in the model's
    process. It knows what the signature does not: which members of an object have defaults, aliases or validators, and
    where null may stand. So these are left to it, and a time may have a zone.

    Raises:
        Misfit: it is not of that type.
    """
    name = kind if isinstance(kind, str) else kind["type"]
    if name == "any" or (not required and is_missing(value)) or (hinted and value is None):
        return value
    if name in NAMES:
        return hinted_time(value) if hinted and name == "datetime" else scalar(value, name)
    if isinstance(kind, str) or name not in _FITTERS:
        raise Misfit(value, "cannot be sent", name)
    return _FITTERS[name](value, kind, required, hinted)


def holds(kind: Type, names: set[str]) -> bool:
    """Return whether a type is one of these scalars, or is made of them in part."""
    if isinstance(kind, str):
        return kind in names
    inner = [kind.get("items"), kind.get("values"), *kind.get("properties", {}).values()]
    return kind["type"] in names or any(holds(part, names) for part in inner if part is not None)


def _array(value: Any, kind: dict[str, Any], required: bool, hinted: bool) -> Any:
    items = kind.get("items", {"type": "double"})  # A sparkml_vector has doubles.
    if value is None and items["type"] == "any":
        return value
    if not isinstance(value, list):
        raise Misfit(value, "must be an array", "array")
    # An optional array may have gaps, but not where its items are scalars: these know null by themselves.
    required = required or items["type"] in NAMES
    return [_inside(f"[{index}]", item, items, required, hinted) for index, item in enumerate(value)]


def _object(value: Any, kind: dict[str, Any], required: bool, hinted: bool) -> dict[str, Any]:
    if not required and value == {}:
        return {}
    if not isinstance(value, dict):
        raise Misfit(value, "must be an object", "object")
    properties = kind["properties"]
    if hinted:
        return {name: _hinted(name, item, properties.get(name)) for name, item in value.items()}
    missing = [name for name, part in properties.items() if part.get("required", True) and name not in value]
    unknown = [name for name in value if name not in properties]
    if missing or unknown:
        lacks = f"lacks {', '.join(map(repr, missing))}" if missing else ""
        has = f"has unknown {', '.join(map(repr, unknown))}" if unknown else ""
        rule = " and ".join(filter(None, (lacks, has)))
        raise Misfit(value, rule, f"object of {', '.join(map(repr, properties))}")
    return {
        name: _member(name, item, properties[name], properties[name].get("required", True))
        for name, item in value.items()
    }


def _hinted(name: str, value: Any, kind: dict[str, Any] | None) -> Any:
    """Return a member of an object that the model checks: as its type if it is that, or holds what JSON has no form for."""
    if kind is None:
        return value
    try:
        return _inside(f".{name}", value, kind, required=True, hinted=True)
    except Misfit:
        if holds(kind, {"binary", "datetime"}):
            raise
        return value


def _map(value: Any, kind: dict[str, Any], required: bool, hinted: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit(value, "must be an object", "map")
    return {name: _member(name, item, kind["values"], required, hinted) for name, item in value.items()}


def _member(name: str, value: Any, kind: dict[str, Any], required: bool, hinted: bool = False) -> Any:
    if value is None and required and kind["type"] in NAMES and not hinted:
        raise Misfit(value, "must not be missing", kind["type"], f".{name}")
    return _inside(f".{name}", value, kind, required, hinted)


def _inside(step: str, value: Any, kind: dict[str, Any], required: bool, hinted: bool) -> Any:
    try:
        return fit(value, kind, required=required, hinted=hinted)
    except Misfit as misfit:
        raise misfit.inside(step) from misfit


_FITTERS = {"array": _array, "sparkml_vector": _array, "object": _object, "map": _map}
