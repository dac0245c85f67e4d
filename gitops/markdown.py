"""Markdown as GitHub reads it (https://github.github.com/gfm/): escaped pieces, limits, and the state that a comment keeps."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DIGEST = re.compile(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b")
# Printable to Python, and invisible: fillers of Hangul, an empty pattern of braille.
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
    """Return ``text`` with its digests shortened."""
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


# What GitHub refuses a longer comment for: "body is too long (maximum is 65536 characters)".
COMMENT_LIMIT = 65_536
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits
SUMMARY_LIMIT = 1024 * 1024


def utf16_units(text: str) -> int:
    """Return the length of ``text`` as a browser counts it: in units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def utf8_bytes(text: str) -> int:
    """Return the length of ``text`` in bytes of UTF-8."""
    return len(text.encode())


# Only at the very end: what stands before may quote anything.
_STATE = re.compile(r"<!-- state (?P<json>\{[^\n]*\}) -->\s*\Z")
_MOST = 5


@dataclass(frozen=True)
class CommentState:
    """Of a comment: the base branch, the head commit, and a short hash of what changes by folder."""

    base: str
    head: str
    changes: Mapping[str, str]

    def __str__(self) -> str:
        content = {"base": self.base, "head": self.head, "changes": dict(self.changes)}
        text = json.dumps(content, separators=(",", ":"))
        # Nothing in it ends the comment of HTML that it stands in.
        return text.replace("<", "\\u003c").replace(">", "\\u003e")


def read_state(body: str) -> CommentState | None:
    """Return the state that a comment ends with, None where it has none."""
    match = _STATE.search(body)
    if match is None:
        return None
    try:
        content: dict[str, Any] = json.loads(match["json"])
        return CommentState(str(content["base"]), str(content["head"]), dict(content["changes"]))
    except (ValueError, KeyError, TypeError):
        return None


def with_changes_since(old: str, new: str) -> str:
    """Return the comment ``new`` with what is new in it since the comment ``old``, listed below its title."""
    before, after = read_state(old), read_state(new)
    if before is None or after is None or (before.base, before.head) == (after.base, after.head):
        return new
    title, _, rest = new.partition("\n")
    return f"{title}\n\n{_since(before, after)}\n{rest}"


def _since(before: CommentState, after: CommentState) -> str:
    if before.base != after.base:
        # A comment against another base is no reference.
        return f"**Compared anew:** the base is {code(after.base)} now, it was {code(before.base)}."
    both = before.changes.keys() & after.changes.keys()
    groups = (
        ("changes otherwise", sorted(name for name in both if before.changes[name] != after.changes[name])),
        ("changes too", sorted(after.changes.keys() - before.changes.keys())),
        ("changes no more", sorted(before.changes.keys() - after.changes.keys())),
    )
    message = [f"{listed(names, _MOST)} {words}" for words, names in groups if names]
    return f"**Since the last push** ({code(before.head[:7])}): {joined(message) or 'nothing that is rendered changed'}."
