"""The bot's commits: what the work tree changes of HEAD, committed by GitHub's API, which signs a bot's commits."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadArgument, GithubFailed
from gitops.git import git_bytes
from gitops.github.api import Api

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


def work_tree_change(root: Path, left_out: Path) -> Change:
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


# The last line of the message. It holds for this title and this change alone, so that whatever somebody amends is
# not the bot's any more, whoever the bot is: the workflow, an App, or a person's token.
_TRAILER = "Gitops-Proposal: "
# Text that goes into the request for the tree itself. One request less for each: GitHub takes 80 a minute that make
# something, https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
_INLINE_BYTES, _INLINE_TOTAL = 512 * 1024, 4 * 1024**2


def fingerprint(title: str, after: Entries) -> str:
    """Return the digest of a title and of the files that a commit changes, as they are after it."""
    files = [[path, *((entry.mode, entry.sha) if entry else ())] for path, entry in sorted(after.items())]
    return hashlib.sha256(json.dumps([title.strip(), files]).encode()).hexdigest()


def is_bots_commit(message: str, after: Entries) -> bool:
    """Whether the bot made the commit with this message, which changes these files, and nobody amended it."""
    title, _, trailer = message.strip().rpartition("\n")
    return trailer == _TRAILER + fingerprint(title, after)


def create_commit(api: Api, title: str, change: Change) -> str:
    """Make the commit on GitHub, and return its name. No branch has it yet.

    Neither author nor committer is given: only so GitHub signs it where the token is a bot's,
    https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots

    Raises:
        GithubFailed: GitHub refuses, or has made another tree of it.
    """
    inline = _INLINE_TOTAL
    entries: list[dict[str, Any]] = []
    for path, entry in change.after.items():
        content = change.content(entry) if entry else b""
        about = {"path": path, "mode": entry.mode if entry else "100644", "type": "blob"}
        text = _text(content) if len(content) <= min(inline, _INLINE_BYTES) else None
        if entry is None:
            entries.append({**about, "sha": None})
        elif text is not None:
            inline -= len(content)
            entries.append({**about, "content": text})
        else:
            entries.append({**about, "sha": _blob(api, entry, content)})
    base = api.get(f"/git/commits/{change.parent}")["tree"]["sha"]
    tree = api.send("POST", "/git/trees", base_tree=base, tree=entries)["sha"]
    if tree != change.tree:
        raise GithubFailed(
            f"GitHub made the tree {tree} of what git makes {change.tree} of; nothing is proposed"
        )
    message = f"{title}\n\n{_TRAILER}{fingerprint(title, change.after)}"
    return str(api.send("POST", "/git/commits", message=message, tree=tree, parents=[change.parent])["sha"])


def _text(content: bytes) -> str | None:
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def _blob(api: Api, entry: Entry, content: bytes) -> str:
    encoded = base64.b64encode(content).decode()
    sha = api.send("POST", "/git/blobs", content=encoded, encoding="base64")["sha"]
    if sha != entry.sha:
        raise GithubFailed(
            f"GitHub made the blob {sha} of what git makes {entry.sha} of; nothing is proposed"
        )
    return str(sha)
