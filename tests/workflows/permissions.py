"""What the token of a job may do.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.workflows.event import Event
from tests.workflows.workflow import BadWorkflow

_LEVELS = ("none", "read", "write")
_READ_OR_WRITE = {
    *("actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions"),
    *("issues", "packages", "pages", "pull-requests", "security-events", "statuses"),
}
# These have not both levels.
_KNOWN = {**dict.fromkeys(_READ_OR_WRITE, _LEVELS), "id-token": ("none", "write"), "models": ("none", "read")}
# Settings → Actions → General → Workflow permissions, as GitHub makes a repository.
_DEFAULT = {"contents": "read", "packages": "read"}


def of_job(*said: Any, event: Event) -> dict[str, str]:
    """Return the permissions of a job by what is said of them from outside to inside, None where nothing is.

    A fork's pull request may only read.

    Raises:
        BadWorkflow: there is no such permission or level.
    """
    last = next((each for each in reversed(said) if each is not None), _DEFAULT)
    found = _explicit(last)
    if event.fork and event.name == "pull_request":
        found = {
            name: "read"
            for name in found
            if "read" in _KNOWN[name] and name != "id-token" and found[name] != "none"
        }
    return found


def _explicit(said: Any) -> dict[str, str]:
    if said in ("read-all", "write-all"):
        level = said.removesuffix("-all")
        return {name: level if level in levels else levels[-1] for name, levels in _KNOWN.items()}
    if not isinstance(said, Mapping):
        raise BadWorkflow(f"permissions: {said!r}: must be a mapping, read-all or write-all")
    for name, level in said.items():
        if level not in _KNOWN.get(name, ()):
            raise BadWorkflow(f"permissions: {name}: {level}: GitHub has no such permission")
    return {name: level for name, level in said.items() if level != "none"}


def bounded(wanted: Mapping[str, str], most: Mapping[str, str], where: str) -> None:
    """Refuse a job of a called workflow that wants more than its caller has.

    Raises:
        BadWorkflow: it does; GitHub starts nothing then.
    """
    for name, level in wanted.items():
        allowed = most.get(name, "none")
        if _LEVELS.index(level) > _LEVELS.index(allowed):
            raise BadWorkflow(
                f"{where}: is requesting '{name}: {level}', but is only allowed '{name}: {allowed}'"
            )
