"""What the work tree holds otherwise than a commit, as git's objects: what a commit upon it would change."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops.errors import BadArgument, GithubFailed
from gitops.git import git_bytes

# GitHub takes 40 MB in a request, in which base64 makes four bytes of three.
MOST_FILES, MOST_BYTES = 1_000, 25 * 1024**2
_SUBMODULE = "160000"
_NONE = "0" * 40


@dataclass(frozen=True)
class Entry:
    """A file in a tree: its mode (``100644``, ``100755`` or ``120000``) and the name of its blob."""

    mode: str
    sha: str


# By path; None where there is no such file.
Entries = Mapping[str, Entry | None]


@dataclass(frozen=True)
class Change:
    """The files that change, as they are in the commit ``parent`` and in ``tree``, which would be the next one's."""

    root: Path
    parent: str
    tree: str
    before: Entries
    after: Entries

    def content(self, entry: Entry) -> bytes:
        """Return the bytes of a file, or what a symbolic link points to."""
        return _git(self.root, "cat-file", "blob", entry.sha)


def change(root: Path, left_out: Path) -> Change:
    """Return what the work tree ``root``, without the file ``left_out``, changes of HEAD; both stay as they are.

    Raises:
        BadArgument: it is more than one proposal may hold, or nothing that GitHub's API can take.
        GithubFailed: git refuses.
    """
    parent = _git(root, "rev-parse", "HEAD").decode().strip()
    with tempfile.TemporaryDirectory(prefix="pull-request-") as scratch:
        index = Path(scratch) / "index"
        _git(root, "read-tree", "HEAD", index=index)
        _git(root, "add", "--all", "--", ".", index=index)
        if left_out.resolve().is_relative_to(root.resolve()):
            # As it is in HEAD. To leave it out of `git add` fails where the file is ignored.
            path = str(left_out.resolve().relative_to(root.resolve()))
            _git(root, "--literal-pathspecs", "reset", "--quiet", "HEAD", "--", path, index=index)
        tree = _git(root, "write-tree", index=index).decode().strip()
    before, after = _between(root, tree)
    found = Change(root, parent, tree, before, after)
    _check(found)
    return found


def _between(root: Path, tree: str) -> tuple[dict[str, Entry | None], dict[str, Entry | None]]:
    before: dict[str, Entry | None] = {}
    after: dict[str, Entry | None] = {}
    fields = _git(root, "diff-tree", "-r", "-z", "--no-renames", "HEAD", tree).split(b"\0")[:-1]
    for about, name in zip(fields[::2], fields[1::2], strict=True):
        try:
            path = name.decode()
        except UnicodeDecodeError as error:
            raise BadArgument(
                f"{name!r}: is no name in UTF-8, and GitHub's API takes no other; rename the file"
            ) from error
        old_mode, mode, old, sha, _ = about.decode().lstrip(":").split()
        before[path] = None if old == _NONE else Entry(old_mode, old)
        after[path] = None if sha == _NONE else Entry(mode, sha)
    return before, after


def _check(found: Change) -> None:
    entries = {path: entry for path, entry in found.after.items() if entry is not None}
    for path, entry in entries.items():
        if entry.mode == _SUBMODULE:
            raise BadArgument(f"{path}: is a git repository of its own, which is not proposed; remove it")
    if len(found.after) > MOST_FILES:
        raise BadArgument(
            f"{len(found.after)} files changed: a proposal has up to {MOST_FILES}; propose fewer"
        )
    asked = "".join(f"{entry.sha}\n" for entry in entries.values()).encode()
    sizes = _git(found.root, "cat-file", "--batch-check=%(objectsize)", given=asked).split()
    for path, size in zip(entries, sizes, strict=True):
        if int(size) > MOST_BYTES:
            raise BadArgument(
                f"{path}: has {int(size)} bytes: a proposed file has up to {MOST_BYTES}; keep it elsewhere"
            )


def _git(root: Path, *arguments: str, given: bytes = b"", index: Path | None = None) -> bytes:
    """Return what git prints, with ``index`` in place of its own."""
    variables = {"GIT_INDEX_FILE": str(index)} if index else {}
    return git_bytes(root, *arguments, fail=GithubFailed, given=given, variables=variables)
