"""The bot's commits: made by GitHub's API, which signs a bot's, and known again by a seal in their message."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from gitops.errors import GithubFailed
from gitops.github.api import Api
from gitops.github.change import Change, Entries, Entry

# The last line of the message. It holds for this title and this change alone, so that whatever somebody amends is
# not the bot's any more, whoever the bot is: the workflow, an App, or a person's token.
_TRAILER = "Gitops-Proposal: "
# Text that goes into the request for the tree itself. One request less for each: GitHub takes 80 a minute that make
# something, https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
_INLINE_BYTES, _INLINE_TOTAL = 512 * 1024, 4 * 1024**2


def seal(title: str, after: Entries) -> str:
    """Return the digest of a title and of the files that a commit changes, as they are after it."""
    files = [[path, *((entry.mode, entry.sha) if entry else ())] for path, entry in sorted(after.items())]
    return hashlib.sha256(json.dumps([title.strip(), files]).encode()).hexdigest()


def is_sealed(message: str, after: Entries) -> bool:
    """Whether the bot made the commit with this message, which changes these files, and nobody amended it."""
    title, _, trailer = message.strip().rpartition("\n")
    return trailer == _TRAILER + seal(title, after)


def make(api: Api, title: str, change: Change) -> str:
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
    message = f"{title}\n\n{_TRAILER}{seal(title, change.after)}"
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
