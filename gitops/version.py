"""The version of this checkout: that of pyproject.toml, and the commit, which says more between two releases."""

from __future__ import annotations

from pathlib import Path

from gitops.errors import GitopsError
from gitops.git import git
from server import __version__


def version(root: Path) -> str:
    """Return the version and, where git knows it, the commit: by the tag v… before it, if there is one."""
    try:
        commit = git(
            root, "describe", "--tags", "--match", "v[0-9]*", "--always", "--dirty", fail=GitopsError
        )
    except GitopsError:
        return __version__  # An archive of the files is no clone.
    return f"{__version__} (git {commit.strip()})"
