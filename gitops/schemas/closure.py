"""What a schema refers to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def closure(definitions: dict[str, Schema], roots: set[str]) -> dict[str, Schema]:
    """Return the definitions named ``roots`` and all that they refer to, directly or not."""
    found: dict[str, Schema] = {}
    todo = sorted(roots)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = definitions[name]
            todo += [reference.rpartition("/")[2] for reference in references(definitions[name])]
    return found


def references(schema: Any) -> Iterator[str]:
    """Yield every ``$ref`` of a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for entry in schema:
            yield from references(entry)


def undescribed(schema: Any) -> Any:
    """Return the schema without its descriptions, which a validator reads and does not need."""
    if isinstance(schema, dict):
        return {
            # A property may be called so: then it is a schema, and no text.
            key: undescribed(value)
            for key, value in schema.items()
            if key != "description" or not isinstance(value, str)
        }
    return [undescribed(entry) for entry in schema] if isinstance(schema, list) else schema


def shared(schema: Schema) -> Schema:
    """Return the schema with each object inside of it as a definition, of which equal ones are one.

    A validator compiles every copy, and an ApplicationSet holds the whole of an Application thirty times.
    """
    defined: dict[str, Schema] = {}
    result = _parted(schema, defined)
    return {**result, "$defs": {**result.get("$defs", {}), **defined}} if defined else result


def _parted(schema: Schema, defined: dict[str, Schema]) -> Schema:
    """Return the schema with references in place of the objects inside of it, the innermost first."""

    def referred(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        part = _parted(value, defined)
        if "properties" not in part:
            return part
        key = hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]
        defined[key] = part
        return {"$ref": f"#/$defs/{key}"}

    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {name: referred(entry) for name, entry in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            result[key] = referred(schema[key])
    return result
