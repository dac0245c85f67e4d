"""Waiting for somebody else: what is asked again and again, whether or not one answer fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gitops.errors import ClusterFailed, GithubFailed, UpFailed

T = TypeVar("T")

# Git, GitHub and a cluster fail for a moment, too: a connection is refused, a server is replaced.
_PASSING = (ClusterFailed, GithubFailed, UpFailed)


@dataclass(frozen=True)
class Wait:
    """A wait for at most ``seconds``; ``tell`` prints a line of what happens meanwhile."""

    seconds: float
    tell: Callable[[str], None]

    def until(self, look: Callable[[], T | None], every: float) -> Outcome[T]:
        """Call ``look`` each ``every`` seconds until it returns something; one that fails is told, and tried again."""
        until, before = time.monotonic() + self.seconds, ""
        while True:
            found, failure = None, ""
            try:
                found = look()
            except _PASSING as error:
                failure = str(error)
            if found is not None:
                return Outcome(found, "")
            if failure and failure != before:
                self.tell(f"         {failure}; asked again")
            before = failure
            if time.monotonic() > until:
                return Outcome(None, f"\n  the last answer: {failure}" if failure else "")
            time.sleep(every)


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What was found, None where nothing was in time; ``failure`` says in a line of its own how the last look failed, if it did."""

    found: T | None
    failure: str
