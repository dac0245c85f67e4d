"""Pieces of Markdown as GitHub reads it (https://github.github.com/gfm/), safe for any text put into them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

# Longer values are not for reading; the diff has them whole.
WIDTH = 200


def code(text: str) -> str:
    """Return ``text`` as code of one line, shortened to ``WIDTH`` characters; a dash where it is empty."""
    line = re.sub(r"\s*\n\s*", " ⏎ ", text).strip()
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    if not line:
        return "—"
    if len(line) > WIDTH:
        line = f"{line[: WIDTH - 1]}…"
    ticks = _fence(line, "`", 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def block(text: str, language: str = "") -> str:
    """Return ``text`` as a block of code."""
    fence = _fence(text, "`", 3)
    return f"{fence}{language}\n{text}\n{fence}"


def folded(summary: str, content: str) -> str:
    """Return ``content`` folded under ``summary``, which is plain text."""
    return f"<details><summary>{html.escape(summary)}</summary>\n\n{content}\n\n</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are Markdown of one line."""
    # A bar ends the cell, even inside code.
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *escaped))


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
