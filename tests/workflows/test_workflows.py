"""The repository's own workflows, each for each event that starts it, as GitHub would run them.

What takes minutes (tests, images, clusters) is stood in for; every other step does what it does on GitHub.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflows.happenings import Happenings
from tests.workflows.history import History
from tests.workflows.run import Run

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long
HEAVY = (
    *("test", "test-all", "pythons", "smoke", "image", "image-seldon-core", "image-test", "image-compare"),
    *("e2e", "e2e-cluster", "e2e-logs"),
)


@pytest.fixture
def project(history: History) -> Iterator[History]:
    """This project on GitHub, with what takes long done in no time."""
    history.repository.targets = dict.fromkeys(HEAVY, ":")
    history.take(ROOT)
    yield history


def ran(run: Run) -> dict[str, str]:
    return run.results


def passed(run: Run) -> None:
    """A run whose every job succeeded or was skipped, and that showed nobody a secret."""
    assert {*run.results.values()} <= {"success", "skipped"}, run.log
    assert not [job.leaked for job in run.jobs.values() if job.leaked], run.log


def test_debug(project: History) -> None:
    repository, happens = project.repository, Happenings(project.repository)
    runs = repository.happens(happens.push(), "release.yml")
    for run in runs.values():
        print(run.results)
        print(run.log)
    assert not runs
