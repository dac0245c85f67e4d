"""The base of a comparison: a commit's files, in a folder of their own.

Git writes them by an index of its own (GIT_INDEX_FILE), so neither the work tree nor its index is touched, and
applies the same conversions as a checkout does, which `git archive` with its export attributes would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitops.errors import BadArgument, NoBase
from gitops.git import git


@dataclass(frozen=True)
class Revision:
    """A commit of the repository around ``root``: as it was asked for, and its full ``commit`` id."""

    root: Path
    asked: str
    commit: str

    @property
    def title(self) -> str:
        """How messages name it: as it was asked for, with the commit where that says another thing."""
        return self.asked if self.commit.startswith(self.asked) else f"{self.asked} ({self.commit[:7]})"

    def write(self, destination: Path) -> Path:
        """Write the commit's files below the empty folder ``destination``; return the copy of ``root`` in it.

        Raises:
            NoBase: git cannot write them; the message holds its words.
        """
        git_dir = _run(self.root, "rev-parse", "--absolute-git-dir").removesuffix("\n")
        below = _run(self.root, "rev-parse", "--show-prefix").removesuffix("\n")
        tree = destination / "tree"
        tree.mkdir()
        index = {"GIT_INDEX_FILE": str(destination / "index")}
        there = (f"--git-dir={git_dir}", f"--work-tree={tree}")
        _run(tree, *there, "read-tree", self.commit, **index)
        _run(tree, *there, "checkout-index", "--all", "--quiet", **index)
        return tree / below


def find(root: Path, asked: str) -> Revision:
    """Return the commit that ``asked`` (a branch, a tag, a commit id, HEAD~1 …) names in the repository of ``root``.

    Raises:
        BadArgument: it names no commit.
        NoBase: ``root`` is in no git repository, or its clone is too shallow to hold the commit.
    """
    try:
        _run(root, "rev-parse", "--show-toplevel")
    except NoBase as error:
        raise NoBase(
            f"{error}\nthe base of the comparison is read from git: run this in a clone of the repository"
        ) from error
    if not asked:
        raise BadArgument("no base: name the revision to compare with, as in `make diff BASE=main`")
    try:
        commit = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{asked}^{{commit}}")
    except NoBase as error:
        if _run(root, "rev-parse", "--is-shallow-repository").strip() == "true":
            raise NoBase(
                f"base {asked!r}: is not in this clone, which is shallow: it holds only the last commits; get it "
                f"with `git fetch --depth=1 origin COMMIT`, or clone without --depth (actions/checkout: fetch-depth: 0)"
            ) from error
        raise BadArgument(
            f"base {asked!r}: names no commit of this repository; give a branch, a tag or a commit id "
            "(`git branch --all` and `git log` show them), and fetch it if it is not here yet"
        ) from error
    return Revision(root, asked, commit.strip())


def _run(folder: Path, *arguments: str, **variables: str) -> str:
    return git(folder, *arguments, fail=NoBase, **variables)
