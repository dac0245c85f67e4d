"""Locations of changed values: the changed lines of the files that a kustomization is made of."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from gitops.manifests.checkout import Checkout

# In a longer file the lines count as changed that the other side has nowhere.
_MOST_LINES = 400
# A larger file holds data, and is not reviewed by lines.
_MOST_BYTES = 500_000

_KIND = re.compile(r"\bkind:\s")


@dataclass(frozen=True)
class Location:
    """A ``line``, counted from 1, of a ``file`` of the tree, with its ``text``; ``gone`` if it is one of the base."""

    file: str
    line: int
    text: str
    gone: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Locations:
    """The lines that differ between two sides."""

    def __init__(self, base: Checkout, head: Checkout) -> None:
        self._base, self._head = base, head
        self._changed = cache(self._lines)

    def find(self, folder: str, field: str, value: str = "", kind: str = "") -> Location | None:
        """Return the changed line, in the files that ``folder`` is rendered from, that most likely sets ``field`` to ``value``.

        Files with an object of ``kind`` are preferred. None where none of the files changed, as by another kustomize.
        """
        key = field.rpartition(".")[2].partition("[")[0].removeprefix("key ").removeprefix("parameter ")
        best: tuple[int, Location] | None = None
        for file in sorted(self._base.inputs.files(folder) | self._head.inputs.files(folder)):
            bonus = 4 * (bool(kind) and self._holds(file, kind))
            for place in self._changed(file):
                score = 6 * (bool(value) and value in place.text) + 8 * (bool(key) and key in place.text)
                # What is there now is where a reviewer comments.
                score += bonus + (not place.gone)
                if best is None or score > best[0]:
                    best = score, place
        return best[1] if best else None

    def _holds(self, file: str, kind: str) -> bool:
        """Whether a file that changed has an object of the kind, or a patch of one."""
        lines = _read(self._head, file) or _read(self._base, file) or []
        return any(_KIND.search(line) and kind in line for line in lines)

    def _lines(self, file: str) -> list[Location]:
        before, after = _read(self._base, file), _read(self._head, file)
        if before == after or before is None or after is None:
            there = after if after is not None else before
            if before == after or there is None:
                return []
            return [Location(file, index, text, after is None) for index, text in enumerate(there, 1)]
        return list(_differing(file, before, after))


def _read(side: Checkout, file: str) -> list[str] | None:
    path = side.root / file
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None


def _differing(file: str, before: list[str], after: list[str]) -> Iterator[Location]:
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if len(old) + len(new) > _MOST_LINES:
        there, was = set(new), set(old)
        yield from (
            Location(file, start + index, text) for index, text in enumerate(new, 1) if text not in was
        )
        yield from (
            Location(file, start + index, text, gone=True)
            for index, text in enumerate(old, 1)
            if text not in there
        )
        return
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for index in range(j1, j2):
            yield Location(file, start + index + 1, new[index])
        for index in range(i1, i2):
            yield Location(file, start + index + 1, old[index], gone=True)
