"""Git: its commands, and the files of a revision."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops.errors import BadArgument, GitopsError, NoBase

# All of it is local; a partial clone that has to fetch the files must end, too.
TIMEOUT_SECONDS = 300
# A hook sets them for its own repository, https://git-scm.com/docs/githooks; here the folder alone decides.
_DROPPED = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}


def git(folder: Path, *arguments: str, fail: type[GitopsError], **variables: str) -> str:
    """Return what `git ARGUMENTS` prints in ``folder``, with ``variables`` in its environment.

    Raises:
        GitopsError: of the kind ``fail``; git is not there, refuses or does not end.
    """
    return git_bytes(folder, *arguments, fail=fail, variables=variables).decode(errors="replace")


def shown_url(url: str) -> str:
    """Return a remote's ``url`` as messages show it: without the credentials and the query that it may hold."""
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].partition('?')[0]}"


def git_bytes(
    folder: Path,
    *arguments: str,
    fail: type[GitopsError],
    variables: Mapping[str, str],
    given: bytes = b"",
) -> bytes:
    """Return the bytes that `git ARGUMENTS` prints in ``folder``, with ``given`` as its standard input.

    Raises:
        GitopsError: of the kind ``fail``; git is not there, refuses or does not end.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            # Do not refresh the user's index, and do not prompt.
            env={**environment, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **variables},
            input=given,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise fail("git: no such command; install git") from error
    except subprocess.TimeoutExpired as error:
        raise fail(f"git {arguments[0]}: no answer after {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        message = " ".join(done.stderr.decode(errors="replace").split()) or f"exit status {done.returncode}"
        raise fail(f"{folder}: git said: {message}")
    return done.stdout


@dataclass(frozen=True)
class Revision:
    """A commit of the repository around ``root``: as it was asked for, and its full ``commit`` id."""

    root: Path
    requested: str
    commit: str

    @property
    def title(self) -> str:
        """How messages name it: as it was asked for, with the commit where that says another thing."""
        return (
            self.requested
            if self.commit.startswith(self.requested)
            else f"{self.requested} ({self.commit[:7]})"
        )

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


def resolve_revision(root: Path, requested: str) -> Revision:
    """Return the commit that ``requested`` (a branch, a tag, a commit id, HEAD~1 …) names in the repository of ``root``.

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
    if not requested:
        raise BadArgument("no base: name the revision to compare with, as in `make diff BASE=main`")
    try:
        commit = _run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{requested}^{{commit}}")
    except NoBase as error:
        if _run(root, "rev-parse", "--is-shallow-repository").strip() == "true":
            raise NoBase(
                f"base {requested!r}: is not in this clone, which is shallow: it holds only the last commits; get it "
                f"with `git fetch --depth=1 origin COMMIT`, or clone without --depth (actions/checkout: fetch-depth: 0)"
            ) from error
        raise BadArgument(
            f"base {requested!r}: names no commit of this repository; give a branch, a tag or a commit id "
            "(`git branch --all` and `git log` show them), and fetch it if it is not here yet"
        ) from error
    return Revision(root, requested, commit.strip())


def _run(folder: Path, *arguments: str, **variables: str) -> str:
    return git(folder, *arguments, fail=NoBase, **variables)


def tracked_files(root: Path, *, fail: type[GitopsError], untracked: bool = False) -> list[str]:
    """Return the files that git tracks below ``root``, with ``untracked`` also those that it would add; no links.

    Raises:
        GitopsError: of the kind ``fail``; ``root`` is no work tree.
    """
    options = ("--cached", "--others", "--exclude-standard") if untracked else ()
    listed = git(root, "ls-files", "-z", *options, fail=fail)
    names = sorted(set(listed.split("\0")) - {""})
    return [name for name in names if (root / name).is_file() and not (root / name).is_symlink()]
