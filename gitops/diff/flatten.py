"""An object as a flat table of paths and values, in which entries of lists keep their names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gitops.diff.generated import stem

# A row with this ending holds only the order of a list's entries.
ORDER = " (order)"


class Keyed(dict[str, Any]):
    """An entry of a list that another one was matched with by ``key``; ``alone`` where none was, so that it is one value."""

    def __init__(self, key: str, entry: Any, *, alone: bool = False) -> None:
        super().__init__(entry if isinstance(entry, Mapping) else {"": entry})
        self.key, self.alone = key, alone


def names(entries: list[Any]) -> list[str] | None:
    """Return what tells the entries of a list apart, None where nothing does."""
    found = [_name(entry)[1] for entry in entries]
    return found if all(found) and len(set(found)) == len(found) else None


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Return every value below ``value`` as text by its path, such as ``env[HOME].value``.

    Entries of a list of objects are addressed by what Kubernetes tells them apart by, else by their place; a list
    of plain values is one value.
    """
    if isinstance(value, Keyed) and value.alone:
        inner = flatten(dict(value))
        return {path: ", ".join(f"{key} {text}".strip() for key, text in inner.items())}
    if isinstance(value, Mapping) and value:
        found: dict[str, str] = {}
        for key, entry in value.items():
            found |= flatten(entry, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        if any(isinstance(entry, Keyed) for entry in value):
            found = {}
            for entry in value:
                found |= flatten(entry, f"{path}[{entry.key}]")
            return found
        named = [_name(entry) for entry in value]
        shown = names(value)
        known = shown is not None
        found = {f"{path}{ORDER}": ", ".join(shown)} if shown and len(shown) > 1 else {}
        for index, (entry, (key, name)) in enumerate(zip(value, named, strict=True)):
            if known:
                # The name stands in the path already, unless it is all that there is.
                rest = {other: inner for other, inner in entry.items() if other != key}
                found |= flatten(rest or entry, f"{path}[{name}]")
            else:
                found |= flatten(entry, f"{path}[{index}]")
        return found
    return {path: _text(value)}


def _name(entry: Any) -> tuple[str, str]:
    """Return what tells an entry of a list apart, as key and value: where it is mounted, its name, what it refers to."""
    if not isinstance(entry, Mapping):
        return "", ""
    for key in ("mountPath", "name"):
        if isinstance(entry.get(key), str):
            return key, entry[key]
    for key in ("secretRef", "configMapRef"):
        if isinstance(entry.get(key), Mapping):
            return "", f"{key} {stem(str(entry[key].get('name', '')))}"
    return "", ""


def _text(value: Any) -> str:
    if isinstance(value, str) and not _reads_as_other(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _reads_as_other(text: str) -> bool:
    """Whether a string looks like a number, true, false or null, so that only quotes tell it from one."""
    try:
        return not isinstance(json.loads(text), str)
    except ValueError:
        return False
