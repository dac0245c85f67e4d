"""Colours of the words that a line begins with: on a terminal only, and not where NO_COLOR is set (https://no-color.org)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TextIO

_GREEN, _YELLOW, _RED = "32", "33", "31"
_COLOURS = {
    **dict.fromkeys(("ok", "did", "done", "set"), _GREEN),
    **dict.fromkeys(("would", "differs", "warning", "by hand", "?"), _YELLOW),
    **dict.fromkeys(("error", "missing", "stops", "failed", "FAILED", "not built"), _RED),
}
_FIRST = re.compile(rf"(\s*)({'|'.join(map(re.escape, _COLOURS))})(?=[\s:\[])")


def has_colours(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether what is written to ``stream`` may have colours."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"


def paint(line: str, stream: TextIO) -> str:
    """Return the line with the word that it begins with in its colour, or as it is where ``stream`` has none."""
    found = _FIRST.match(line)
    if found is None or not has_colours(stream):
        return line
    space, word = found.groups()
    return f"{space}\x1b[{_COLOURS[word]}m{word}\x1b[0m{line[found.end() :]}"
