"""What differs in a file of a ConfigMap: JSON by its values, other text by its lines."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from gitops.diff.fields import flatten
from gitops.redaction import redacted

# A longer text is told by its length and first difference.
LONG = 200
_AROUND = 30
# So many lines that differ are shown themselves.
FEW = 3
# In longer texts lines are not matched.
MOST_LINES = 2_000

Difference = tuple[str, str | None, str | None]


def differences(key: str, before: str, after: str) -> Iterator[Difference]:
    """Yield what differs between two texts under ``key``: a field, and its value before and after."""
    # Before anything is cut out: a part of a sealed value would not be known for one.
    before, after = redacted(before), redacted(after)
    if before.replace("\r\n", "\n") == after.replace("\r\n", "\n"):
        yield f"{key} (formatting only)", *_ends(before, after)
        return
    old, new = _parsed(before), _parsed(after)
    if old is not None and new is not None:
        yield from _values(key, old, new)
    elif "\n" in before.strip() or "\n" in after.strip():
        yield from _lines(key, before.splitlines(), after.splitlines())
    else:
        yield key, *_long(before, after)


def _parsed(text: str) -> Any:
    """Return what JSON says, None where a text is not JSON; of a plain value the text counts."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None


def _values(key: str, before: Any, after: Any) -> Iterator[Difference]:
    old, new = flatten(before), flatten(after)
    if old == new and before == after:
        yield f"{key} (formatting only)", "the same values", "the same values"
        return
    for field in {**old, **new}:
        if old.get(field) != new.get(field):
            yield f"{key} {field}".strip(), *_long(old.get(field), new.get(field))


def _lines(key: str, before: list[str], after: list[str]) -> Iterator[Difference]:
    """Yield the lines that differ, of more than a few how many."""
    if len(before) + len(after) > MOST_LINES:
        yield key, f"{len(before)} lines", f"{len(after)} lines"
        return
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    blocks = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    lines = sum(max(i2 - i1, j2 - j1) for _, i1, i2, j1, j2 in blocks)
    if lines > FEW:
        gone, new = sum(block[2] - block[1] for block in blocks), sum(block[4] - block[3] for block in blocks)
        yield key, f"{len(before)} lines, {gone} of them gone", f"{len(after)} lines, {new} of them new"
        return
    for _, i1, i2, j1, j2 in blocks:
        for index in range(max(i2 - i1, j2 - j1)):
            old = before[i1 + index] if i1 + index < i2 else None
            new_line = after[j1 + index] if j1 + index < j2 else None
            yield f"{key}:{j1 + index + 1}", *_long(old, new_line)


def _ends(before: str, after: str) -> tuple[str, str]:
    return tuple("CRLF" if "\r\n" in text else "LF" for text in (before, after))  # type: ignore[return-value]


def _long(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Return two values, of long ones the length, the hash, and what stands where they begin to differ."""
    if before is None or after is None or max(len(before), len(after)) <= LONG:
        return tuple(None if text is None else _alone(text) for text in (before, after))  # type: ignore[return-value]
    start = next(
        (index for index, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    return tuple(_told(text, start) for text in (before, after))  # type: ignore[return-value]


def _alone(text: str) -> str:
    return text if len(text) <= LONG else _told(text, 0)


def _told(text: str, start: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    begin = max(0, start - _AROUND // 2)
    part = text[begin : start + _AROUND]
    return f"{len(text):,} characters, hash {digest}, at {start + 1}: …{part}…"
