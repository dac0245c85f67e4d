"""What a comment says that the one before it did not: by the short hashes that each keeps of what changes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitops.diff.markdown import code, joined, listed

# Only at the very end: what stands before may quote anything.
_STATE = re.compile(r"<!-- state (?P<json>\{[^\n]*\}) -->\s*\Z")
_MOST = 5


@dataclass(frozen=True)
class State:
    """Of a comment: the base branch, the head commit, and a short hash of what changes by folder."""

    base: str
    head: str
    changes: Mapping[str, str]

    def __str__(self) -> str:
        content = {"base": self.base, "head": self.head, "changes": dict(self.changes)}
        text = json.dumps(content, separators=(",", ":"))
        # Nothing in it ends the comment of HTML that it stands in.
        return text.replace("<", "\\u003c").replace(">", "\\u003e")


def read(body: str) -> State | None:
    """Return the state that a comment ends with, None where it has none."""
    match = _STATE.search(body)
    if match is None:
        return None
    try:
        content: dict[str, Any] = json.loads(match["json"])
        return State(str(content["base"]), str(content["head"]), dict(content["changes"]))
    except (ValueError, KeyError, TypeError):
        return None


def since(old: str, new: str) -> str:
    """Return the comment ``new`` with what is new in it since the comment ``old``, said below its title."""
    before, after = read(old), read(new)
    if before is None or after is None or before.head == after.head:
        return new
    title, _, rest = new.partition("\n")
    return f"{title}\n\n{_said(before, after)}\n{rest}"


def _said(before: State, after: State) -> str:
    if before.base != after.base:
        # What was told against another base is no measure.
        return f"**Compared anew:** the base is {code(after.base)} now, it was {code(before.base)}."
    both = before.changes.keys() & after.changes.keys()
    groups = (
        ("changes otherwise", sorted(name for name in both if before.changes[name] != after.changes[name])),
        ("changes too", sorted(after.changes.keys() - before.changes.keys())),
        ("changes no more", sorted(before.changes.keys() - after.changes.keys())),
    )
    said = [f"{listed(names, _MOST)} {words}" for words, names in groups if names]
    return f"**Since the last push** ({code(before.head[:7])}): {joined(said) or 'nothing that is rendered changed'}."
