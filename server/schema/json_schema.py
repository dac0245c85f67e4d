"""The types of a signature as JSON Schema, each with an example that it takes.

Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from typing import Any

import numpy as np

from server.mlmodel.signature import Tensor

Json = dict[str, Any]
Shaped = tuple[Json, Any]

# A number may be missing where it is a float, a string or a time anywhere.
SCALARS: dict[str, Shaped] = {
    "double": ({"type": ["number", "null"]}, 0.5),
    "float": ({"type": ["number", "null"], "minimum": -3.4e38, "maximum": 3.4e38}, 0.5),
    "long": ({"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}, 1),
    "integer": ({"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}, 1),
    "boolean": ({"type": ["boolean", "null"]}, True),
    "string": ({"type": ["string", "null"]}, "text"),
    "datetime": (
        {"type": ["string", "null"], "pattern": r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"},
        "2026-01-28",
    ),
    "binary": ({"type": ["string", "null"], "pattern": "^([A-Za-z0-9+/]{4})*$"}, "AAEC"),
}


def of_type(kind: str | Json) -> Shaped:
    """Return the schema and an example of a column's type, MLflow's name of a scalar or its JSON object."""
    name = kind if isinstance(kind, str) else kind["type"]
    if name in SCALARS:
        return SCALARS[name]
    if isinstance(kind, str) or name == "any":
        return {}, None
    if name == "object":
        return _object(kind["properties"])
    schema, example = of_type(kind.get("values" if name == "map" else "items", {"type": "double"}))
    if name == "map":
        return {"type": "object", "additionalProperties": _present(schema)}, {"key": example}
    return {"type": "array", "items": schema}, [example]


def _object(properties: dict[str, Json]) -> Shaped:
    parts = {name: of_type(part) for name, part in properties.items()}
    schema = {
        "type": "object",
        "properties": {name: _present(part) for name, (part, _) in parts.items()},
        "required": [name for name, part in properties.items() if part.get("required", True)],
        "additionalProperties": False,
    }
    return schema, {name: example for name, (_, example) in parts.items()}


def _present(schema: Json) -> Json:
    """Return a schema without null: a member of an object that is there has a value."""
    if isinstance(schema.get("type"), list):
        return {**schema, "type": schema["type"][0]}
    return schema


def of_tensor(tensor: Tensor, *, first: bool = True) -> Shaped:
    """Return the schema and an example of a tensor, or, unless ``first``, of one entry of its first axis."""
    schema, example = _item(np.dtype(tensor.dtype))
    for length in reversed(tensor.shape if first else tensor.shape[1:]):
        limits = {"minItems": 1} if length < 0 else {"minItems": length, "maxItems": length}
        schema, example = {"type": "array", "items": schema, **limits}, [example] * max(length, 1)
    return schema, example


def _item(dtype: np.dtype[Any]) -> Shaped:
    if dtype.kind == "b":
        return {"type": "boolean"}, True
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}, 1
    if dtype.kind == "f":
        bound = float(np.finfo(dtype).max) * 0.99
        return {"type": "number", "minimum": -bound, "maximum": bound}, 0.5
    if dtype.kind == "U":
        return {"type": "string"}, "text"
    return {}, "text"
