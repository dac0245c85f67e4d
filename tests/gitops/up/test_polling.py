"""A wait goes on past an answer that fails, and says at its end how the last one did."""

from __future__ import annotations

import pytest

from gitops.errors import BadManifest, ClusterFailed, UpFailed
from gitops.up.polling import Wait

REFUSED = "kubectl get: connection refused"


class Looks:
    """What is found at each look; the last one again and again."""

    def __init__(self, *given: str | Exception | None) -> None:
        self.given = list(given)

    def __call__(self) -> str | None:
        entry = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if isinstance(entry, Exception):
            raise entry
        return entry


def test_what_fails_once_is_told_and_asked_again() -> None:
    told: list[str] = []
    looks = Looks(None, ClusterFailed(REFUSED), ClusterFailed(REFUSED), UpFailed("git said: 502"), "there")
    outcome = Wait(60, told.append).until(looks, 0)
    assert (outcome.found, outcome.failure) == ("there", "")
    # The same is told once.
    assert told == [f"         {REFUSED}; asked again", "         git said: 502; asked again"]


def test_the_end_says_how_the_last_look_failed() -> None:
    outcome = Wait(0, lambda line: None).until(Looks(ClusterFailed(REFUSED)), 0)
    assert (outcome.found, outcome.failure) == (None, f"\n  the last answer: {REFUSED}")
    outcome = Wait(0, lambda line: None).until(Looks(None), 0)
    assert (outcome.found, outcome.failure) == (None, "")


def test_what_no_wait_mends_is_raised_at_once() -> None:
    with pytest.raises(BadManifest):
        Wait(60, lambda line: None).until(Looks(BadManifest("no overlay")), 0)
