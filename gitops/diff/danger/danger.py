"""What a reviewer must not overlook: an outage, lost data or an opened door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.diff.markdown import code
from gitops.diff.objects import Change

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Danger:
    """One of them as Markdown of one line: the value before → after, and what follows from it.

    ``field`` and ``value`` are what to look for in the files, for the place that it stands at, ``kind`` that of the object.
    """

    text: str
    field: str
    value: str = ""
    kind: str = ""


# Of the change of one object; its docstring says in one line what it finds.
Rule = Callable[[Change], Iterator[Danger]]


def shown(value: Any) -> str:
    """Return a value, or that there is none, as code."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return code(", ".join(f"{key}: {entry}" for key, entry in value.items()) or "{}")
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def turned(before: Any, after: Any) -> str:
    """Return a value before and after as code."""
    return f"{shown(before)} → {shown(after)}"


def at(entry: Any, *path: str) -> Any:
    """Return what stands at ``path`` in an object, None where nothing does."""
    for key in path:
        if not isinstance(entry, Mapping) or key not in entry:
            return None
        entry = entry[key]
    return entry


def entries(entry: Any, *path: str) -> list[Any]:
    """Return the list at ``path`` in an object, an empty one where there is none."""
    found = at(entry, *path)
    return found if isinstance(found, list) else []


def mapping(entry: Any, *path: str) -> dict[str, Any]:
    """Return the object at ``path`` in an object, an empty one where there is none."""
    found = at(entry, *path)
    return dict(found) if isinstance(found, Mapping) else {}


def both(change: Change, *kinds: str) -> bool:
    """Whether the change is of an object of one of ``kinds`` that there is before and after."""
    return change.before is not None and change.after is not None and change.kind in kinds
