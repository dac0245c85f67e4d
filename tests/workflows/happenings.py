"""What people and clocks do in a repository on GitHub, as the events that it makes of that.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.gitops.github import pulls
from tests.gitops.github.bare import ZERO, Bare
from tests.workflows.event import Event
from tests.workflows.repository import Repository


@dataclass(frozen=True)
class Happenings:
    """What people and clocks do in a repository, as the events that GitHub makes of it."""

    repository: Repository
    actor: str = "octocat"

    @property
    def _bare(self) -> Bare:
        return self.repository.github.bare

    def _payload(self, **more: Any) -> dict[str, Any]:
        github = self.repository.github
        owner, name = github.repository.split("/")
        about = {
            "name": name,
            "full_name": github.repository,
            "private": github.private,
            "owner": {"login": owner, "type": "Organization"},
            "default_branch": github.default_branch,
            "fork": False,
            "html_url": f"{github.url}/{github.repository}",
            "visibility": "private" if github.private else "public",
        }
        return {"repository": about, "sender": {"login": self.actor, "type": "User"}, **more}

    def push(self, branch: str = "main") -> Event:
        """The tip of ``branch`` was pushed on top of its first parent."""
        sha = self._bare.sha(f"refs/heads/{branch}")
        return self._pushed(f"refs/heads/{branch}", sha, self._bare.sha(f"{sha}^1"))

    def tag(self, name: str) -> Event:
        return self._pushed(f"refs/tags/{name}", self._bare.sha(f"refs/tags/{name}"), ZERO)

    def _pushed(self, ref: str, sha: str, before: str) -> Event:
        created = before == ZERO
        changed = () if created else self._changed(before, sha)
        payload = self._payload(
            ref=ref,
            before=before,
            after=sha,
            created=created,
            deleted=False,
            forced=False,
            base_ref=None,
            head_commit={"id": sha, "message": self._bare.git("log", "-1", "--format=%B", sha)},
            pusher={"name": self.actor},
        )
        return Event("push", ref, sha, payload, changed=changed, actor=self.actor)

    def pull_request(self, head: str, *, activity: str = "opened", fork: bool = False) -> Event:
        """The branch ``head`` is to be merged into main; of a fork it may be a commit."""
        github = self.repository.github
        base_sha, head_sha = self._bare.sha("refs/heads/main"), self._bare.sha(head)
        number = github.number() if fork else self._opened(head)
        tree = self._bare.git("merge-tree", "--write-tree", base_sha, head_sha)
        who = {role: {"name": "GitHub", "email": "noreply@github.com"} for role in ("author", "committer")}
        message = f"Merge {head_sha} into {base_sha}"
        sha = self._bare.make_commit(message, tree, [base_sha, head_sha], who)
        self._bare.git("update-ref", f"refs/pull/{number}/head", head_sha)
        self._bare.git("update-ref", f"refs/pull/{number}/merge", sha)
        owner = github.repository.partition("/")[0]
        theirs = f"stranger/{github.repository.partition('/')[2]}" if fork else github.repository
        pull = {
            "number": number,
            "title": "Change something",
            "body": None,
            "state": "open",
            "draft": False,
            "user": {"login": self.actor, "type": "User"},
            "labels": [],
            "merge_commit_sha": sha,
            "head": {
                "ref": head,
                "sha": head_sha,
                "label": f"{theirs.partition('/')[0]}:{head}",
                "repo": {"full_name": theirs, "fork": fork},
            },
            "base": {
                "ref": "main",
                "sha": base_sha,
                "label": f"{owner}:main",
                "repo": {"full_name": github.repository, "fork": False},
            },
        }
        payload = self._payload(action=activity, number=number, pull_request=pull)
        if activity == "edited":
            payload["changes"] = {"title": {"from": "Change"}}
        return Event(
            "pull_request",
            f"refs/pull/{number}/merge",
            sha,
            payload,
            type=activity,
            target="main",
            head_ref=head,
            base_ref="main",
            changed=self._changed(self._bare.merge_base(base_sha, head_sha), head_sha),
            fork=fork,
            actor=self.actor,
        )

    def _opened(self, head: str) -> int:
        """Return the number of the branch's pull request, opened where it is not yet."""
        github = self.repository.github
        token = github.tokens[github.person(self.actor, {"pull-requests": "write"})]
        found = [pull for pull in github.pulls if pull["head"]["ref"] == head and pull["state"] == "open"]
        made = (
            found[0] if found else pulls.create(github, token, {"head": head, "base": "main", "title": head})
        )
        return int(made["number"])

    def merge_group(self, head: str) -> Event:
        """A pull request stands in the queue: its merge into main is on a branch that GitHub made."""
        pull = self.pull_request(head)
        merged, number = pull.sha, pull.payload["number"]
        base = self._bare.sha("refs/heads/main")
        ref = f"refs/heads/gh-readonly-queue/main/pr-{number}-{base}"
        self._bare.git("update-ref", ref, merged)
        group = {
            "head_sha": merged,
            "head_ref": ref,
            "base_sha": base,
            "base_ref": "refs/heads/main",
            "head_commit": {"id": merged},
        }
        payload = self._payload(action="checks_requested", merge_group=group)
        return Event(
            "merge_group", ref, merged, payload, type="checks_requested", target="main", actor=self.actor
        )

    def schedule(self, cron: str) -> Event:
        sha = self._bare.sha("refs/heads/main")
        return Event("schedule", "refs/heads/main", sha, self._payload(schedule=cron), actor=self.actor)

    def dispatch(self, branch: str = "main", **inputs: str) -> Event:
        ref = f"refs/heads/{branch}"
        payload = self._payload(ref=ref, inputs=inputs or None)
        return Event("workflow_dispatch", ref, self._bare.sha(ref), payload, actor=self.actor)

    def _changed(self, before: str, after: str) -> tuple[str, ...]:
        return tuple(entry["filename"] for entry in self._bare.changed(before, after))
