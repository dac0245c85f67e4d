"""A JSON value as any type of a signature: a scalar, or an array, object or map of such.

Types: https://mlflow.org/docs/latest/ml/model/signatures/#column-based-signatures
"""

from __future__ import annotations

from typing import Any

from server.schema.scalar_types import NAMES, Misfit, hinted_time, is_missing, scalar

Type = str | dict[str, Any]


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
