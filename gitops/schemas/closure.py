"""What a schema refers to."""

from __future__ import annotations

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
