"""The quick suite as GitHub runs it in a fork: in a clone of depth 1, as nobody in particular, with one Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workflows.forked import fork
from tests.workflows.happenings import Happenings
from tests.workflows.history import History

# Nothing that a fork changes reaches these: they have the code alone, and models of tests/manifests.
OTHERS = ("tests/conformance", "tests/server")
pytestmark = [pytest.mark.long, pytest.mark.weekly, pytest.mark.timeout(2400)]


def test_the_quick_suite_passes_in_a_fork_with_models_of_its_own_alone(
    project: History, happens: Happenings, tmp_path: Path
) -> None:
    repository = project.repository
    fork(project, tmp_path)
    # The tests need the real crane. uv comes as a machine without it gets it.
    options = " ".join(f"--ignore={folder}" for folder in OTHERS)
    repository.targets["test"] = f"PYTEST_ADDOPTS='{options}' {shutil.which('make')} test"
    repository.crane, repository.bootstrapped = None, False
    run = repository.happens(happens.push(), "ci.yml")["ci.yml"]
    assert {*run.results.values()} <= {"success", "skipped"}, run.log[-20000:]
    (called,) = [
        job for job in run.jobs.values() if any(call.line.startswith("make test ") for call in job.calls)
    ]
    assert " passed" in called.log
