"""A runner for all tests of this folder, and a repository for each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.tools import tool
from tests.gitops.github.github import serving
from tests.gitops.release.conftest import registry as registry
from tests.project import copy
from tests.workflows.happenings import Happenings
from tests.workflows.history import History
from tests.workflows.repository import Repository
from tests.workflows.runner import Runner

HEAVY = (
    *(
        "test",
        "test-all",
        "test-weekly",
        "test-machine",
        "fuzz",
        "pythons",
        "smoke",
        "image",
        "image-seldon-core",
        "image-test",
        "image-compare",
    ),
    *("e2e", "e2e-cluster", "e2e-logs"),
)


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


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files."""
    folder = tmp_path_factory.mktemp("checkout")
    copy(folder)
    return folder


@pytest.fixture
def project(history: History, registry: str, checkout: Path) -> History:
    """This project on GitHub and a registry, with what takes long done in no time."""
    repository = history.repository
    # What the steps would build for minutes.
    for name in ("kustomize", "kubeconform"):
        tool(name)
    repository.registry, repository.crane = registry, tool("crane")
    repository.targets = dict.fromkeys(HEAVY, ":")
    history.take(checkout)
    return history


@pytest.fixture
def happens(project: History) -> Happenings:
    return Happenings(project.repository)
