"""One cell for each kustomization of the report's first table: the values that change, as many as fit."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gitops.diff.change import KustomizationChange
from gitops.diff.deployment import IMAGE
from gitops.diff.rows import Row
from gitops.manifests.seldondeployment import KIND
from gitops.markdown import code, short
from gitops.redaction import SECRETS, redacted

# More values than these are in the section.
MOST = 4
# A longer value is shown by its beginning.
WIDTH = 48


def overview(change: KustomizationChange) -> str:
    """Return what changes as Markdown of a cell."""
    message = list(_said(change))
    rest = f"; {len(message) - MOST} more" if len(message) > MOST else ""
    return "; ".join(message[:MOST]) + rest


def _said(change: KustomizationChange) -> Iterator[str]:
    if change.was:
        yield f"was {code(change.was)}"
    if change.state == "does not build":
        # The last line says what is wrong, those before it where.
        yield from (code(_cut(words.strip().splitlines()[-1])) for _, words in change.failures[-1:])
        return
    if change.state == "gone":
        yield from (f"{code(deployment.name)} goes" for deployment, _ in change.listed)
        return
    if change.state == "new":
        yield from (code(deployment.name) for deployment, _ in change.listed)
    for entry in change.objects:
        before, after = entry.change.before, entry.change.after
        if before and after:
            one = entry.change.kind == KIND
            yield from (_row(row, "" if one else f"{code(entry.title)} ") for row in entry.rows)
        elif change.state in ("changed", "renamed"):
            yield f"{'lost' if before else 'new'} {code(entry.title)}"
        elif entry.change.kind in SECRETS:
            yield code(entry.title)
    for model in change.models:
        packages = model.requirements.packages
        yield from (
            f"{code(entry.name)} {_value(entry.before)} → {_value(entry.after)}" for entry in packages
        )
        if not packages:
            yield from model.requirements.notes


def _row(row: Row, owner: str) -> str:
    if row.whole:
        return f"{owner}{'new' if row.before is None else 'lost'} {code(row.part)}".strip()
    field = code(row.field) if row.field != IMAGE else IMAGE
    before, after = differing(row.before, row.after)
    part = f" of {row.part}" if row.part and row.field != IMAGE and " " in row.part else ""
    return f"{owner}{field}{part} {_value(before)} → {_value(after)}"


def differing(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Return of two values what is not the same: the digests of images, the entries of lists."""
    old, new = (before or "").partition("@"), (after or "").partition("@")
    if old[0] == new[0] and old[1] and new[1]:
        return old[2], new[2]
    lists = _list(before), _list(after)
    if lists[0] is None or lists[1] is None:
        return before, after
    gone = [entry for entry in lists[0] if entry not in lists[1]]
    more = [entry for entry in lists[1] if entry not in lists[0]]
    return (", ".join(gone), ", ".join(more)) if gone or more else (before, after)


def _list(text: str | None) -> list[str] | None:
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return list(map(str, found)) if isinstance(found, list) else None


def _value(value: str | None) -> str:
    if not value:
        return "—"
    # Before it is cut: half of a sealed value would not be known for one.
    text = short(redacted(value))
    if "\n" in text.strip():
        return f"{text.strip().count(chr(10)) + 1} lines"
    return code(_cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
