"""The repository on GitHub whose settings are read, and what was asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gitops.github import rulesets


@dataclass(frozen=True)
class Place:
    """The repository ``name`` (owner/name) as GitHub describes it, and what was asked for.

    ``queue`` and ``approvals`` are None where nobody asked: then what is there stays. ``app`` is the id of the bot's
    GitHub App as it was given.
    """

    name: str
    told: Mapping[str, Any]
    queue: bool | None
    approvals: int | None
    app: str

    @property
    def organization(self) -> bool:
        """Whether an organization owns it."""
        return str(self.told["owner"]["type"]) == "Organization"

    @cached_property
    def rulesets(self) -> Mapping[str, int]:
        """Return the ids of its rulesets by their names, as they were when this ran first."""
        return rulesets.listed(self.name)

    def ruleset(self, name: str) -> dict[str, Any] | None:
        """Return the ruleset of this name as it is now, None where there was none."""
        return rulesets.existing(self.name, self.rulesets.get(name))
