"""The contexts of expressions: what they hold, and in which place of a workflow each may be used.

https://docs.github.com/en/actions/reference/workflows-and-actions/contexts
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.workflows.event import Event
from tests.workflows.expression.evaluation import Scope
from tests.workflows.expression.functions import Function

_RUN = ("github", "inputs", "vars")
_IF = ("needs", *_RUN)
_JOB = ("strategy", "matrix", *_IF)
_STEP_IF = ("job", "runner", "env", "steps", *_JOB)
_STEP = ("secrets", *_STEP_IF)
# https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability
AVAILABLE: Mapping[str, tuple[str, ...]] = {
    "run-name": _RUN,
    "concurrency": _RUN,
    "env": ("secrets", *_RUN),
    "jobs.concurrency": _JOB,
    "jobs.continue-on-error": _JOB,
    "jobs.defaults.run": ("env", *_JOB),
    "jobs.env": ("secrets", *_JOB),
    "jobs.environment": _JOB,
    "jobs.if": _IF,
    "jobs.name": _JOB,
    "jobs.outputs": _STEP,
    "jobs.runs-on": _JOB,
    "jobs.secrets": ("secrets", *_JOB),
    "jobs.steps": _STEP,
    "jobs.steps.if": _STEP_IF,
    "jobs.strategy": _IF,
    "jobs.timeout-minutes": _JOB,
    "jobs.with": _JOB,
    "on.workflow_call.outputs": ("jobs", *_RUN),
}
RUNNER_ARCHITECTURES = {
    "ubuntu-24.04": "X64",
    "ubuntu-latest": "X64",
    "ubuntu-24.04-arm": "ARM64",
    "macos-15": "ARM64",
}


@dataclass(frozen=True)
class Contexts:
    """All contexts by name; ``scope`` gives those that a place may use."""

    values: Mapping[str, Any]
    functions: Mapping[str, Function] = field(default_factory=dict)

    def having(self, functions: Mapping[str, Function] | None = None, **values: Any) -> Contexts:
        """Return these with some more, or other ones."""
        return Contexts({**self.values, **values}, {**self.functions, **(functions or {})})

    def scope(self, place: str) -> Scope:
        """Return what an expression at ``place`` may use. Status functions are for conditions only."""
        functions = {
            name: function
            for name, function in self.functions.items()
            if place.endswith(".if") or (name == "hashfiles" and place.startswith("jobs.steps"))
        }
        # What GitHub has in a place and has not yet filled is empty.
        return Scope({name: self.values.get(name, {}) for name in AVAILABLE[place]}, functions)


def github(event: Event, *, repository: str, url: str, workflow: str, path: str, run: int) -> dict[str, Any]:
    """Return the context ``github`` of a run, less what only a job has (token, job, workspace)."""
    owner = repository.partition("/")[0]
    return {
        "actor": event.actor,
        "actor_id": "583231",
        "api_url": url,
        "base_ref": event.base_ref,
        "event": event.payload,
        "event_name": event.name,
        "graphql_url": f"{url}/graphql",
        "head_ref": event.head_ref,
        "ref": event.ref,
        "ref_name": event.ref_name,
        "ref_protected": event.ref == "refs/heads/main",
        "ref_type": "tag" if event.is_tag else "branch",
        "repository": repository,
        "repository_id": "1296269",
        "repository_owner": owner,
        "repository_owner_id": "1",
        "repositoryUrl": f"{url.replace('http', 'git', 1)}/{repository}.git",
        "retention_days": "90",
        "run_attempt": "1",
        "run_id": str(run),
        "run_number": str(run),
        "secret_source": "None" if event.fork else "Actions",
        "server_url": url,
        "sha": event.sha,
        "triggering_actor": event.actor,
        "workflow": workflow,
        "workflow_ref": f"{repository}/{path}@{event.ref}",
        "workflow_sha": event.sha,
    }


# The variables that every step has of the context `github`.
VARIABLES = (
    *(
        "actor",
        "actor_id",
        "api_url",
        "base_ref",
        "event_name",
        "graphql_url",
        "head_ref",
        "job",
        "ref",
        "ref_name",
    ),
    *("ref_protected", "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id"),
    *(
        "retention_days",
        "run_attempt",
        "run_id",
        "run_number",
        "server_url",
        "sha",
        "triggering_actor",
        "workflow",
    ),
    *("workflow_ref", "workflow_sha", "workspace", "event_path"),
)
