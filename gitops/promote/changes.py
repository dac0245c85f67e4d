"""What new texts of files change, as git would show it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.environment import lock


def changes(root: Path, texts: Mapping[str, str]) -> str:
    """Return the unified diff between the files below ``root`` and ``texts``, empty where they are equal.

    Of a lock, which is mostly hashes, only how many lines change.
    """
    return "".join(
        part
        for path, text in texts.items()
        for part in _file(path, (root / path).read_text() if (root / path).is_file() else None, text)
    )


def _file(path: str, before: str | None, after: str) -> Iterator[str]:
    old = (before or "").splitlines(keepends=True)
    lines = list(
        difflib.unified_diff(
            old,
            after.splitlines(keepends=True),
            "/dev/null" if before is None else f"a/{path}",
            f"b/{path}",
        )
    )
    if not lines:
        return
    yield f"diff --git a/{path} b/{path}\n"
    if path.endswith(f"/{lock.FILE}"):
        added, removed = (sum(line.startswith(sign) for line in lines[2:]) for sign in "+-")
        yield f"{added} lines added, {removed} removed\n"
    else:
        yield from (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )
