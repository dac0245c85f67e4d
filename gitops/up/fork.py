"""A fork on the way to being served: its clone, what it is to be called, and its remote origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops import git
from gitops.adopt import Names
from gitops.errors import UpFailed
from gitops.manifests.site import read_site
from gitops.up.polling import Wait


@dataclass(frozen=True)
class Fork:
    """The fork below ``root``, its ``names``, whether it keeps the ``examples``, and how others are waited for.

    ``unsigned`` says that nobody looks who built an image that is not built here.
    """

    root: Path
    names: Names
    examples: bool
    unsigned: bool
    environ: Mapping[str, str]
    wait: Wait

    @property
    def repository(self) -> str:
        """OWNER/REPO."""
        return f"{self.names.owner}/{self.names.repo}"

    @property
    def revision(self) -> str:
        """The branch that is served."""
        return read_site(self.root).revision

    def git(self, *arguments: str) -> str:
        """Return what `git ARGUMENTS` prints in the clone.

        Raises:
            UpFailed: git refuses.
        """
        return git.git(self.root, *arguments, fail=UpFailed)

    def tip(self) -> str:
        """Fetch the branch that is served from origin; return its commit, empty where origin does not have it.

        Raises:
            UpFailed: git refuses, or origin does not answer.
        """
        branch, remote = f"refs/heads/{self.revision}", f"refs/remotes/origin/{self.revision}"
        if not self.git("ls-remote", "origin", branch).strip():
            return ""
        self.git("fetch", "--quiet", "origin", f"+{branch}:{remote}")
        return self.git("rev-parse", remote).strip()
