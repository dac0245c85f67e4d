"""What stands in for the actions that workflows use: a Python function for each, by the action's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.workflows.workflow import BadWorkflow

if TYPE_CHECKING:
    from tests.workflows.job import Job


class ActionFailed(Exception):
    """An action that ends with an error, as it would on GitHub."""


@dataclass(frozen=True)
class Use:
    """One use of an action in a step: its inputs, filled in, and the job that it is in."""

    job: Job
    inputs: Mapping[str, str]
    environ: Mapping[str, str]

    def given(self, name: str, default: str = "") -> str:
        return self.inputs.get(name) or default

    def says(self, name: str, *, default: bool = False) -> bool:
        """Return an input that is true or false."""
        value = self.given(name, str(default).lower())
        if value.lower() not in ("true", "false"):
            raise ActionFailed(f"{name}: {value!r} is neither true nor false")
        return value.lower() == "true"

    def lines(self, name: str) -> list[str]:
        return [line.strip() for line in self.given(name).splitlines() if line.strip()]

    def path(self, name: str) -> Path:
        """Return a path below the workspace, or below ~."""
        return Path(
            self.job.workspace, name.replace("~", str(self.job.home), 1) if name.startswith("~") else name
        )

    def needs(self, **permissions: str) -> None:
        """Fail as GitHub's interface does where the job's token has not these."""
        for name, level in permissions.items():
            permission = name.replace("_", "-")
            if self.job.permissions.get(permission, "none") not in (level, "write"):
                raise ActionFailed(f"Resource not accessible by integration ({permission}: {level})")


Outputs: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Action:
    """A stand-in: the inputs that the action has, what it does, and what it does at the job's end."""

    inputs: frozenset[str]
    do: Callable[[Use], Outputs]
    after: Callable[[Use], Any] | None = None
    required: frozenset[str] = field(default_factory=frozenset)

    def check(self, name: str, inputs: Mapping[str, str]) -> None:
        """Refuse inputs that the action has not.

        Raises:
            BadWorkflow: GitHub would warn and go on; the workflow does not do what it says.
        """
        unknown, missing = {*inputs} - self.inputs, self.required - {*inputs}
        if unknown or missing:
            raise BadWorkflow(f"{name}: unknown inputs {sorted(unknown)}, missing inputs {sorted(missing)}")


def stand_in(inputs: str, do: Callable[[Use], Outputs], *, after: Any = None, required: str = "") -> Action:
    """Return a stand-in by the names of its inputs, with spaces between."""
    return Action(frozenset(inputs.split()), do, after, frozenset(required.split()))


def named(uses: str, actions: Mapping[str, Action]) -> tuple[str, Action]:
    """Return the action that ``uses`` names, without its version.

    Raises:
        BadWorkflow: nothing stands in for it.
    """
    name, at, version = uses.partition("@")
    if name not in actions:
        raise BadWorkflow(f"nothing stands in for the action {name}: add it to tests/workflows/actions")
    if not at or not version:
        raise BadWorkflow(f"{uses}: an action is named with its version, as in owner/name@commit")
    return name, actions[name]
