"""An object as a flat table of paths and values, in which entries of lists keep their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gitops.diff.generated import stem

# A row with this ending holds only the order of a list's entries.
ORDER = " (order)"


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Return every value below ``value`` as text by its path, such as ``env[HOME].value``.

    Entries of a list of objects are addressed by what Kubernetes tells them apart by, else by their place; a list
    of plain values is one value.
    """
    if isinstance(value, Mapping) and value:
        found: dict[str, str] = {}
        for key, entry in value.items():
            found |= flatten(entry, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        names = [_name(entry) for entry in value]
        known = all(names) and len(set(names)) == len(names)
        found = {f"{path}{ORDER}": ", ".join(names)} if known and len(names) > 1 else {}
        for index, entry in enumerate(value):
            found |= flatten(entry, f"{path}[{names[index] if known else index}]")
        return found
    return {path: _text(value)}


def _name(entry: Any) -> str:
    """Return what tells an entry of a list apart: its name, where it is mounted, or the object that it refers to."""
    if not isinstance(entry, Mapping):
        return ""
    for key in ("name", "mountPath"):
        if isinstance(entry.get(key), str):
            return str(entry[key])
    for key in ("secretRef", "configMapRef"):
        if isinstance(entry.get(key), Mapping):
            return f"{key} {stem(str(entry[key].get('name', '')))}"
    return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
