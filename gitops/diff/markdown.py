"""Pieces of Markdown as GitHub reads it (https://github.github.com/gfm/), safe for any text put into them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_DIGEST = re.compile(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b")
# Printable to Python, and seen by nobody: fillers of Hangul, an empty pattern of braille.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800\u034f"
# Longer values are not for reading; the diff has them whole.
WIDTH = 200
BAR = "\\|"


def code(text: str) -> str:
    """Return ``text`` as code of one line, shortened to ``WIDTH`` characters; a dash where it is empty."""
    line = re.sub(r"\s*\n\s*", " ⏎ ", text).strip()
    line = visible(line)
    if not line:
        return "—"
    if len(line) > WIDTH:
        line = f"{line[: WIDTH - 1]}…"
    ticks = _fence(line, "`", 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def visible(text: str) -> str:
    """Return ``text`` with characters that nobody sees, such as those that turn the direction of writing, by their number."""
    return "".join(
        character
        if (character.isprintable() and character not in _BLANK) or character in "\n\t"
        else f"‹U+{ord(character):04X}›"
        for character in text
    )


def short(text: str) -> str:
    """Return ``text`` with the beginnings of its digests, which tell them apart as well."""
    return _DIGEST.sub(r"\1…", text)


def block(text: str, language: str = "") -> str:
    """Return ``text`` as a block of code."""
    fence = _fence(text, "`", 3)
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def folded(summary: str, content: str) -> str:
    """Return ``content`` folded under ``summary``, which is plain text."""
    return f"<details><summary>{html.escape(summary)}</summary>\n\n{content}\n\n</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are Markdown of one line."""
    return "\n".join(row(cells) for cells in (header, ["---"] * len(header), *rows))


def row(cells: Sequence[str]) -> str:
    """Return a line of a table."""
    # A bar ends the cell, even inside code.
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def listed(names: Iterable[str], most: int = 10) -> str:
    """Return ``names`` as code, separated by commas; of more than ``most`` the number of the others."""
    return joined([code(name) for name in names], most)


def joined(texts: Sequence[str], most: int = 10) -> str:
    """Return pieces of Markdown separated by commas; of more than ``most`` the number of the others."""
    others = f" and {len(texts) - most} others" if len(texts) > most else ""
    return ", ".join(texts[:most]) + others


def _fence(text: str, mark: str, least: int) -> str:
    """Return a fence that is longer than any that stands in ``text``."""
    longest = max((len(run) for run in re.findall(f"{mark}+", text)), default=0)
    return mark * max(least, longest + 1)
