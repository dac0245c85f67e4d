"""What renders and compares: the code of this repository, which a change may touch, and the kustomize that it pins."""

from __future__ import annotations

import re
from pathlib import Path

from gitops.diff.side import Side

# What the job that writes the comment runs; server/ is what the contract and the lock are read by.
CODE = ("Makefile", "gitops", "server", "tools", ".github/workflows/ci.yml", "pyproject.toml", "uv.lock")
_KUSTOMIZE = re.compile(
    r"^\s*(?:require\s+)?sigs\.k8s\.io/kustomize/kustomize/v5 v(?P<version>\S+)", re.MULTILINE
)


def rendering(base: Side, head: Side) -> tuple[str, ...]:
    """Return the files of the code that compares which differ between both sides, relative to the tree."""
    files = _files(base.root) | _files(head.root)
    return tuple(sorted(file for file in files if _content(base.root / file) != _content(head.root / file)))


def version(root: Path) -> str:
    """Return the version of kustomize that tools/go.mod of a tree pins, empty where it pins none."""
    content = _content(root / "tools/go.mod") or b""
    match = _KUSTOMIZE.search(content.decode("utf-8", "replace"))
    return match["version"] if match else ""


def _files(root: Path) -> set[str]:
    found = set()
    for name in CODE:
        path = root / name
        inner = path.rglob("*") if path.is_dir() else [path]
        found |= {
            file.relative_to(root).as_posix()
            for file in inner
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
        }
    return found


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
