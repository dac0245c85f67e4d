"""The repository on GitHub: how it is set, what happens in it, and the runs that this starts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gitops.github.github import Github
from tests.workflows import workflow
from tests.workflows.event import Event
from tests.workflows.pattern import selected
from tests.workflows.run import Run
from tests.workflows.runner import Runner
from tests.workflows.trigger import starts

_TOOLS = Path(__file__).parents[2] / ".cache" / "tools"


@dataclass
class Environment:
    """A place to deploy to: what its jobs get, and from which branches and tags; None: from all."""

    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    refs: list[str] | None = None

    def takes(self, event: Event) -> bool:
        return self.refs is None or selected(self.refs, event.ref.removeprefix("refs/heads/"))


@dataclass
class Repository:
    """A repository with its settings.

    ``targets`` are make's that do nothing but what the text says to bash; ``minute`` is a minute of timeout-minutes,
    in seconds; ``advisories`` is what scanners find.
    """

    github: Github
    runner: Runner
    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    advisories: str = ""
    minute: float = 60
    runs: int = 0
    _jobs: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.registry = self.folder / "registry.json"
        self.registry.write_text("{}")
        self.runner.own(self.registry)

    @property
    def images(self) -> dict[str, str]:
        """The digest of each name in the registry."""
        return dict(json.loads(self.registry.read_text()))

    def push(self, name: str, digest: str) -> None:
        """Put an image into the registry."""
        self.registry.write_text(json.dumps({**self.images, name: digest}))

    def environment(self, name: str) -> Environment:
        """Return the environment of this name, made as GitHub does where nobody has set it."""
        return self.environments.setdefault(name, Environment())

    def job_folder(self) -> Path:
        """Make the folder of a job."""
        self._jobs += 1
        folder = self.folder / "jobs" / str(self._jobs)
        folder.mkdir(parents=True)
        return folder

    def prepare(self, clone: Path) -> None:
        """Put the tools into a clone that were built already, as its own: it would take minutes to build them again."""
        for file in _TOOLS.glob("*/*") if (clone / "tools" / "go.mod").is_file() else ():
            if file.is_file():
                target = clone / ".cache" / "tools" / file.parent.name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                _same(file, target)

    def workflows(self, sha: str) -> dict[str, workflow.Workflow]:
        """Return the workflows of a commit by their files' names."""
        bare = self.github.bare
        paths = bare.git("ls-tree", "--name-only", sha, f"{workflow.FOLDER}/").splitlines()
        files = [path for path in paths if path.endswith((".yml", ".yaml"))]
        return {Path(path).name: workflow.parse(path, bare.git("show", f"{sha}:{path}")) for path in files}

    def happens(self, event: Event, *only: str) -> dict[str, Run]:
        """Return the runs that ``event`` starts, each at its end, by their workflow's file; of ``only`` these files.

        Raises:
            BadWorkflow: GitHub would refuse a workflow, or nothing stands in for what it uses.
        """
        found = self.workflows(event.sha)
        runs = {}
        for name, each in found.items():
            if starts(each, event) and (not only or name in only):
                self.runs += 1
                runs[name] = Run(self, each, event, found, self.runs).start()
        return runs

    def started(self, event: Event) -> set[str]:
        """Return the files of the workflows that ``event`` starts, without starting them."""
        return {name for name, each in self.workflows(event.sha).items() if starts(each, event)}


def _same(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


@dataclass(frozen=True)
class Happenings:
    """What people and clocks do in a repository, as the events that GitHub makes of it."""

    repository: Repository
    actor: str = "octocat"

    @property
    def _bare(self) -> Any:
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
        return self._pushed(f"refs/tags/{name}", self._bare.sha(f"refs/tags/{name}"), "0" * 40)

    def _pushed(self, ref: str, sha: str, before: str) -> Event:
        created = before == "0" * 40
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

    def pull_request(self, head: str, number: int = 7, *, type: str = "opened", fork: bool = False) -> Event:
        """The branch or commit ``head`` is to be merged into main, from a fork where it says so."""
        github = self.repository.github
        base_sha, head_sha = self._bare.sha("refs/heads/main"), self._bare.sha(head)
        tree = self._bare.git("merge-tree", "--write-tree", base_sha, head_sha)
        who = {f"GIT_{role}_{key}": "GitHub" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        message = f"Merge {head_sha} into {base_sha}"
        sha = self._bare.git("commit-tree", tree, "-p", base_sha, "-p", head_sha, "-m", message, **who)
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
        payload = self._payload(action=type, number=number, pull_request=pull)
        if type == "edited":
            payload["changes"] = {"title": {"from": "Change"}}
        return Event(
            "pull_request",
            f"refs/pull/{number}/merge",
            sha,
            payload,
            type=type,
            target="main",
            head_ref=head,
            base_ref="main",
            changed=self._changed(self._bare.merge_base(base_sha, head_sha), head_sha),
            fork=fork,
            actor=self.actor,
        )

    def merge_group(self, head: str, number: int = 7) -> Event:
        """A pull request stands in the queue: its merge into main is on a branch that GitHub made."""
        merged = self.pull_request(head, number).sha
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


def crons(found: Mapping[str, workflow.Workflow]) -> set[str]:
    """Return all times that a workflow is started at."""
    return {entry["cron"] for each in found.values() for entry in each.on.get("schedule") or ()}
