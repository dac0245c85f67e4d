"""What happened in a repository on GitHub, with what GitHub says of it.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """An event: ``ref`` and ``sha`` are what a run of it checks out, ``changed`` the paths that differ.

    ``type`` is the activity of events that have several; ``target`` the branch that a pull request or a merge
    group goes to; ``head_ref`` and ``base_ref`` are a pull request's branches; ``fork`` says that its head is in
    another repository.
    """

    name: str
    ref: str
    sha: str
    payload: Mapping[str, Any]
    type: str = ""
    target: str = ""
    head_ref: str = ""
    base_ref: str = ""
    changed: tuple[str, ...] = ()
    fork: bool = False
    actor: str = "octocat"

    @property
    def is_tag(self) -> bool:
        return self.ref.startswith("refs/tags/")

    @property
    def ref_name(self) -> str:
        """The branch's or tag's name; of a pull request as in ``7/merge``."""
        return self.ref.removeprefix("refs/").partition("/")[2]
