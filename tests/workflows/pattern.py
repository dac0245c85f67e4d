"""The patterns of GitHub that branches, tags and paths are told by.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART = re.compile(r"\*\*/|\*\*|\*|\?|\+|\\.|\[[^\]]+\]|.", re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Return whether the whole of ``text`` is as ``pattern`` says: ``*`` without ``/``, ``**`` with, ``? + [ ]``."""
    whole = ""
    for part in _PART.findall(pattern):
        match part:
            case "**/":
                whole += "(?:.*/)?"
            case "**":
                whole += ".*"
            case "*":
                whole += "[^/]*"
            case "?" | "+":
                whole += part
            case _ if part[0] == "[" and len(part) > 1:
                whole += part
            case _:
                whole += re.escape(part[-1])
    return re.fullmatch(whole, text, re.DOTALL) is not None


def selected(patterns: Sequence[str], text: str) -> bool:
    """Return what the last pattern that matches says: one with ``!`` before it takes back."""
    found = False
    for pattern in patterns:
        if matches(pattern.removeprefix("!"), text):
            found = not pattern.startswith("!")
    return found
