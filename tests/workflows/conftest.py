"""A runner for all tests of this folder, and a repository for each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitops.github.github import serving
from tests.workflows.history import History
from tests.workflows.repository import Repository
from tests.workflows.runner import Runner


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    # pytest's own folders are for the user alone who runs the tests.
    with tempfile.TemporaryDirectory(prefix="runner-", ignore_cleanup_errors=True) as folder:
        yield Runner(Path(folder))


@pytest.fixture
def repository(runner: Runner) -> Iterator[Repository]:
    folder = Path(tempfile.mkdtemp(prefix="repository-", dir=runner.folder))
    with serving(folder / "github") as github:
        yield Repository(github, runner, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def history(repository: Repository) -> History:
    return History(repository)
