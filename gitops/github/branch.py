"""The bot's branch on GitHub: what it proposes, who committed to it, and its compare-and-swap update."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any
from urllib.parse import quote

from gitops.errors import GithubFailed
from gitops.github.api import Api, GithubRefused
from gitops.github.commit import Change, Entries, Entry, is_bots_commit

NONE = "0" * 40
# The bot's commit, and now and then the default branch merged into it. More are not read.
_COMMITS = 50
_UPDATE = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"


class Trees:
    """The files of commits on GitHub."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._read: dict[str, dict[str, Entry]] = {}

    def files(self, tree: str) -> dict[str, Entry]:
        """Return the files of a tree by their paths.

        Raises:
            GithubFailed: GitHub refuses, or does not list them all.
        """
        if tree not in self._read:
            found = self._api.get(f"/git/trees/{tree}", recursive="1")
            if found["truncated"]:
                raise GithubFailed(f"tree {tree}: has more files than GitHub lists in one answer (100,000)")
            self._read[tree] = {
                entry["path"]: Entry(entry["mode"], entry["sha"])
                for entry in found["tree"]
                if entry["type"] != "tree"
            }
        return self._read[tree]

    def commit(self, sha: str) -> dict[str, Entry]:
        """Return the files of a commit by their paths."""
        return self.files(self._api.get(f"/git/commits/{sha}")["tree"]["sha"])

    def changed(self, before: dict[str, Entry], after: dict[str, Entry]) -> Entries:
        """Return the files of ``after`` that differ from ``before``; None for those that are gone."""
        paths = before.keys() | after.keys()
        return {path: after.get(path) for path in sorted(paths) if before.get(path) != after.get(path)}


class Branch:
    """The branch ``name`` and how it differs from ``base``, the default branch; ``tip`` is None where it is not there."""

    def __init__(self, api: Api, name: str, base: str) -> None:
        self._api, self._base, self._trees = api, base, Trees(api)
        self.name = name
        found = api.find(f"/git/ref/heads/{quote(name)}")
        self.tip: str | None = found["object"]["sha"] if found else None

    @cached_property
    def _compared(self) -> dict[str, Any]:
        compared: dict[str, Any] = self._api.get(f"/compare/{quote(self._base)}...{self.tip}")
        return compared

    def proposes(self, change: Change) -> bool:
        """Whether merging the branch as it is does ``change``: the same files, of the same state before it."""
        if self.tip is None:
            return False
        fork = self._trees.files(self._compared["merge_base_commit"]["commit"]["tree"]["sha"])
        proposed = self._trees.changed(fork, self._trees.commit(self.tip))
        return dict(change.after) == dict(proposed) and all(
            fork.get(path) == entry for path, entry in change.before.items()
        )

    def others(self) -> list[str]:
        """Return the commits of the branch that are not the bot's, as in ``0123456 (ann)``.

        Merges of the default branch, as the button "Update branch" makes them, do not count, unless they hold more
        than git's own merge of whole files: what a person resolved is a person's.
        """
        if self.tip is None:
            return []
        commits = self._compared["commits"]
        if self._compared["total_commits"] > _COMMITS:
            return [f"{self._compared['total_commits']} commits"]
        own = {commit["sha"] for commit in commits}
        return [
            f"{commit['sha'][:7]} ({commit['commit']['author']['name']})"
            for commit in commits
            if not (self._is_bots(commit) or self._is_update(commit, own))
        ]

    def _is_bots(self, commit: dict[str, Any]) -> bool:
        if len(commit["parents"]) != 1:
            return False
        before = self._trees.commit(commit["parents"][0]["sha"])
        after = self._trees.files(commit["commit"]["tree"]["sha"])
        return is_bots_commit(commit["commit"]["message"], self._trees.changed(before, after))

    def _is_update(self, commit: dict[str, Any], own: set[str]) -> bool:
        parents = [entry["sha"] for entry in commit["parents"]]
        if len(parents) != 2 or parents[1] in own:
            return False
        fork = self._api.get(f"/compare/{parents[1]}...{parents[0]}")["merge_base_commit"]["commit"]["tree"][
            "sha"
        ]
        before = self._trees.files(fork)
        ours, theirs = (self._trees.commit(parent) for parent in parents)
        merged = dict(_merged(before, ours, theirs))
        return merged == self._trees.files(commit["commit"]["tree"]["sha"])

    def move(self, repository: str, after: str) -> None:
        """Set the branch to the commit ``after``, ``NONE`` to remove it, if it still is where it was read.

        Args:
            repository: the id that GraphQL knows the repository by.
            after: the commit.

        Raises:
            GithubFailed: somebody else moved it meanwhile, or GitHub refuses; it is as it was.
        """
        update = {
            "name": f"refs/heads/{self.name}",
            "beforeOid": self.tip or NONE,
            "afterOid": after,
            "force": True,
        }
        try:
            self._api.mutate(_UPDATE, input={"repositoryId": repository, "refUpdates": [update]})
        except GithubRefused as refused:
            # GitHub does not say that it was elsewhere: https://github.com/orgs/community/discussions/213655
            found = self._api.find(f"/git/ref/heads/{quote(self.name)}")
            now = found["object"]["sha"] if found else None
            if now != self.tip:
                raise GithubFailed(
                    f"branch {self.name}: was {_place(self.tip)} when this run read it and is {_place(now)} now; nothing "
                    "is overwritten, run it again"
                ) from refused
            raise GithubFailed(
                f"branch {self.name}: GitHub does not change it: {refused.message}; if a ruleset covers this branch, let it "
                "leave the bot's branches out (`make github-settings` says which); if .github/workflows changed on "
                f"{self._base} since HEAD, which needs the permission Workflows, run it again on the newest commit"
            ) from refused


def _place(sha: str | None) -> str:
    return f"at {sha[:7]}" if sha else "not there"


def _merged(
    before: dict[str, Entry], ours: dict[str, Entry], theirs: dict[str, Entry]
) -> Iterator[tuple[str, Entry | None]]:
    """Yield each file of a merge of two trees; None where both changed one, which is equal to no file."""
    for path in before.keys() | ours.keys() | theirs.keys():
        was, our, their = before.get(path), ours.get(path), theirs.get(path)
        if our in (was, their):
            found = their
        elif their == was:
            found = our
        else:
            yield path, None
            continue
        if found is not None:
            yield path, found
