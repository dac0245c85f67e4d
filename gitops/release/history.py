"""What the clone's history says of two commits, and of a branch that somebody may have fetched."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest, ReleaseFailed
from gitops.git import git
from gitops.manifests import image_interface
from gitops.manifests.image_interface import Interface

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def whole(root: Path) -> None:
    """Let only a clone with all of its history pass.

    Raises:
        ReleaseFailed: the clone is shallow, or there is none.
    """
    if git(root, "rev-parse", "--is-shallow-repository", fail=ReleaseFailed).strip() == "true":
        raise ReleaseFailed(
            "this clone is shallow, and which of two commits is newer stands in its history; get it with "
            "`git fetch --unshallow` (actions/checkout: fetch-depth: 0)"
        )


def includes(root: Path, commit: str, ancestor: str) -> bool:
    """Whether ``ancestor`` is ``commit`` or in its history; one that the clone does not have is in nobody's.

    Raises:
        ReleaseFailed: git cannot say.
    """
    if not (_COMMIT.fullmatch(ancestor) and (commit == "HEAD" or _COMMIT.fullmatch(commit))):
        return False
    if not (_exists(root, ancestor) and _exists(root, commit)):
        return False
    # Of the commits that only `ancestor` has there is none.
    return not git(root, "rev-list", "--max-count=1", ancestor, f"^{commit}", fail=ReleaseFailed).strip()


def proposed(root: Path, branch: str) -> tuple[Interface, dict[str, Any]] | None:
    """Return what the proposal on ``branch`` of origin pins, and its content; None where there is none or none was fetched.

    Raises:
        ReleaseFailed: git cannot say.
    """
    ref = f"refs/remotes/origin/{branch}"
    if not git(root, "for-each-ref", ref, fail=ReleaseFailed).strip():
        return None
    prefix = git(root, "rev-parse", "--show-prefix", fail=ReleaseFailed).strip()
    try:
        text = git(root, "show", f"{ref}:{prefix}{image_interface.FILE}", fail=BadManifest)
        return image_interface.parse(text), json.loads(text)
    except BadManifest:
        return None  # Whatever stands there, no release wrote it.


def _exists(root: Path, commit: str) -> bool:
    try:
        git(root, "cat-file", "-e", f"{commit}^{{commit}}", fail=ReleaseFailed)
    except ReleaseFailed:
        return False
    return True
