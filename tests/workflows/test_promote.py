"""promote.yml as GitHub runs it: where nothing moved it proposes nothing, and it never leaves the default branch."""

from __future__ import annotations

import pytest

from tests.workflows.expected import passed, sound
from tests.workflows.happenings import Happenings
from tests.workflows.history import History

pytestmark = pytest.mark.long


def test_nothing_that_moved_is_nothing_to_propose(project: History, happens: Happenings) -> None:
    repository = project.repository
    repository.environment("promotion").secrets["MLFLOW_TRACKING_TOKEN"] = "a-token-of-the-registry"
    repository.environment("release").secrets["APP_PRIVATE_KEY"] = "a-key-of-the-app"
    run = repository.happens(happens.schedule("23 5 * * 1-5"), "promote.yml")["promote.yml"]
    sound(run)
    assert {*run.results.values()} <= {"success", "skipped"}, run.log
    assert (repository.github.pulls, repository.github.issues) == ([], [])
    moved = run.jobs["aliases that moved"]
    # Where models run there is no power over the repository, and no secret of the job that has it.
    assert moved.permissions == {"contents": "read"}
    for call in moved.calls:
        assert not any("a-key-of-the-app" in value for value in call.environ.values())


def test_another_branch_promotes_nothing(project: History, happens: Happenings) -> None:
    project.commit({"README.md": "Another.\n"}, "feature")
    run = project.repository.happens(happens.dispatch("feature"), "promote.yml")["promote.yml"]
    passed(run, "issue")
    assert project.repository.github.pulls == []
