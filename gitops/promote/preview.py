"""A preview of a promotion: a copy of the manifests with its files, and their unified diff."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

from gitops.manifests.checkout import Checkout
from gitops.manifests.kustomization import kustomizations
from gitops.manifests.rendered import Rendered, render
from server.environment import requirements_lock


@contextmanager
def copy_with(root: Path, texts: Mapping[str, str]) -> Iterator[Checkout]:
    """Give a copy of the manifests below ``root`` in which the files ``texts``, by their paths, are written."""
    with tempfile.TemporaryDirectory(prefix="promote-") as scratch:
        copy = Path(scratch)
        for folder in sorted({PurePath(entry.folder).parts[0] for entry in kustomizations(root)}):
            shutil.copytree(root / folder, copy / folder, symlinks=True)
        for path, text in texts.items():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_text(text, encoding="utf-8")
        yield Checkout("the promotion", copy)


def render_folder(side: Checkout, folder: str) -> Rendered:
    """Return what ``folder`` renders on this side.

    Raises:
        BuildFailed: kustomize refuses it.
        BadManifest: an object has a shape that its kind does not allow.
    """
    outcome = render(side.root, folder)
    if isinstance(outcome, Rendered):
        return outcome
    raise type(outcome)(side.words(outcome)) from outcome


def unified_diff(root: Path, texts: Mapping[str, str]) -> str:
    """Return the unified diff between the files below ``root`` and ``texts``, empty where they are equal.

    Of a lock, which is mostly hashes, only how many lines change.
    """
    return "".join(
        part
        for path, text in texts.items()
        for part in _file_diff(path, (root / path).read_text() if (root / path).is_file() else None, text)
    )


def _file_diff(path: str, before: str | None, after: str) -> Iterator[str]:
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
    if path.endswith(f"/{requirements_lock.FILE}"):
        added, removed = (sum(line.startswith(sign) for line in lines[2:]) for sign in "+-")
        yield f"{added} lines added, {removed} removed\n"
    else:
        yield from (
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )
