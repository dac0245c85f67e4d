"""What a command asks git about the repository that a folder lies in."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gitops.errors import BuildFailed, GitopsError
from gitops.sources import read_text

# All of it is local; a partial clone that has to fetch the files must end, too.
TIMEOUT_SECONDS = 300
# A hook sets them for its own repository, https://git-scm.com/docs/githooks; here the folder alone decides.
_DROPPED = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}

_PATH = re.compile(r"^\s*path\s*=\s*(.*?)\s*$", re.MULTILINE)
# The mode of a submodule in the index: https://git-scm.com/docs/gitsubmodules
_GITLINK = "160000 "


def git(folder: Path, *arguments: str, fail: type[GitopsError], **variables: str) -> str:
    """Return what `git ARGUMENTS` prints in ``folder``, with ``variables`` in its environment.

    Raises:
        GitopsError: of the kind ``fail``; git is not there, refuses or does not end.
    """
    return raw(folder, *arguments, fail=fail, variables=variables).decode(errors="replace")


def raw(
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
            # No refreshing of the user's index on the way, and no question that nobody answers.
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
        said = " ".join(done.stderr.decode(errors="replace").split()) or f"exit status {done.returncode}"
        raise fail(f"{folder}: git said: {said}")
    return done.stdout


def submodules(root: Path) -> list[str]:
    """Return the paths of the submodules of the repository ``root``: those in .gitmodules, and those in the index.

    A folder that is no repository's has those that its .gitmodules names.

    Raises:
        BuildFailed: git cannot list the index, or .gitmodules is no UTF-8.
    """
    file = root / ".gitmodules"
    named = set(_PATH.findall(read_text(file))) if file.is_file() else set()
    listed = git(root, "ls-files", "--stage", "-z", fail=BuildFailed) if (root / ".git").exists() else ""
    links = {entry.partition("\t")[2] for entry in listed.split("\0") if entry.startswith(_GITLINK)}
    return sorted(named | links)
