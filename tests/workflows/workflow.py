"""A workflow's file, as GitHub reads it: what it says, and what GitHub would refuse of it.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = ".github/workflows"

_WORKFLOW = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
_JOB = {
    *(
        "name",
        "permissions",
        "needs",
        "if",
        "runs-on",
        "environment",
        "concurrency",
        "outputs",
        "env",
        "defaults",
    ),
    *("steps", "timeout-minutes", "strategy", "continue-on-error"),
}
_CALL = {"name", "permissions", "needs", "if", "concurrency", "strategy", "uses", "with", "secrets"}
_STEP = {"id", "if", "name", "env", "continue-on-error", "timeout-minutes"}
_RUN = {*_STEP, "run", "shell", "working-directory"}
_USES = {*_STEP, "uses", "with"}
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class BadWorkflow(Exception):
    """A workflow that GitHub would not start; the message names the place."""


@dataclass(frozen=True)
class Workflow:
    """A file, ``path`` below the repository, and its content."""

    path: str
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.content.get("name") or self.path)

    @property
    def on(self) -> Mapping[str, Any]:
        """The events and what is said of each, None where that is nothing."""
        on = self.content["on"]
        if isinstance(on, Mapping):
            return on
        return dict.fromkeys([on] if isinstance(on, str) else on)

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.content["jobs"])

    def ordered(self) -> list[str]:
        """Return the jobs' names, each after those that it needs.

        Raises:
            BadWorkflow: a job needs one that is not there, or itself.
        """
        done: list[str] = []
        while len(done) < len(self.jobs):
            ready = [
                name
                for name, job in self.jobs.items()
                if name not in done and all(each in done for each in needs(job))
            ]
            if not ready:
                left = ", ".join(name for name in self.jobs if name not in done)
                raise BadWorkflow(f"{self.path}: jobs {left}: each needs one that is not there, or itself")
            done += ready[:1]
        return done


def needs(job: Mapping[str, Any]) -> list[str]:
    """Return the names of the jobs that ``job`` waits for."""
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)


def read(root: Path) -> dict[str, Workflow]:
    """Return the workflows of the repository ``root`` by their file's name.

    Raises:
        BadWorkflow: GitHub would refuse one.
    """
    files = [file for file in sorted((root / FOLDER).iterdir()) if file.suffix in (".yml", ".yaml")]
    return {file.name: parse(f"{FOLDER}/{file.name}", file.read_text(encoding="utf-8")) for file in files}


def parse(path: str, text: str) -> Workflow:
    """Return the workflow that ``text`` is.

    Raises:
        BadWorkflow: GitHub would refuse it.
    """
    content = yaml.load(text, _Loader)
    workflow = Workflow(path, content)
    for problem in _problems(content):
        raise BadWorkflow(f"{path}: {problem}")
    workflow.ordered()
    return workflow


def _problems(content: Any) -> Iterator[str]:
    if not isinstance(content, Mapping):
        yield "must be a mapping"
        return
    yield from _keys("the workflow", content, _WORKFLOW)
    yield from (f"{key!r} is missing" for key in ("on", "jobs") if not content.get(key))
    yield from _concurrency("the workflow", content.get("concurrency"))
    for name, job in (content.get("jobs") or {}).items():
        where = f"job {name}"
        if not _ID.fullmatch(name):
            yield f"{where}: is no name for a job"
        yield from _concurrency(where, job.get("concurrency"))
        if "uses" in job:
            yield from _keys(where, job, _CALL)
            continue
        yield from _keys(where, job, _JOB)
        yield from (f"{where}: {key!r} is missing" for key in ("runs-on", "steps") if not job.get(key))
        yield from _steps(where, job.get("steps") or [])


def _steps(where: str, steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    ids = [step["id"] for step in steps if "id" in step]
    yield from (f"{where}: two steps with the id {each!r}" for each in {*ids} if ids.count(each) > 1)
    for at, step in enumerate(steps, 1):
        if ("run" in step) == ("uses" in step):
            yield f"{where}, step {at}: must have either 'run' or 'uses'"
        yield from _keys(f"{where}, step {at}", step, _RUN if "run" in step else _USES)


def _keys(where: str, content: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    yield from (f"{where}: unknown key {key!r}" for key in content if key not in known)


def _concurrency(where: str, said: Any) -> Iterator[str]:
    """A group, alone or with what becomes of those that it holds: nothing waits here, so only its shape is judged."""
    if isinstance(said, Mapping):
        yield from _keys(f"{where}: concurrency", said, {"group", "cancel-in-progress", "queue"})
        if not said.get("group"):
            yield f"{where}: concurrency: 'group' is missing"
        if said.get("queue", "single") not in ("single", "max"):
            yield f"{where}: concurrency: queue must be single or max"
        if said.get("queue") == "max" and said.get("cancel-in-progress") is True:
            yield f"{where}: concurrency: queue: max cancels nothing"
    elif said is not None and not isinstance(said, str):
        yield f"{where}: concurrency must be a group"


class _Loader(yaml.SafeLoader):
    """YAML 1.2, where ``on`` is a text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])
