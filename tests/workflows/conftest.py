"""A runner for all tests of this folder, and a repository for each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.gitops.github.github import serving
from tests.workflows.repository import Happenings, Repository
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


class Small:
    """A repository of few files, to see what the runner makes of a workflow."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.happens = Happenings(repository)

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Add a commit with ``files`` to a branch, made from main where it is not there yet."""
        bare = self.repository.github.bare
        refs = bare.refs("refs/heads/")
        parent = refs.get(f"refs/heads/{branch}") or refs.get("refs/heads/main")
        entries = [
            {"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in files.items()
        ]
        tree = bare.make_tree(entries, parent)
        who = {role: {"name": "somebody", "email": "somebody@localhost"} for role in ("author", "committer")}
        sha = bare.make_commit("change", tree, [parent] if parent else [], who)
        bare.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def workflow(self, text: str, **others: str) -> None:
        """Commit workflow.yml, and others by their names, on two commits that have none."""
        for at in range(2):
            self.commit({"README.md": f"{at}\n"})
        files = {"workflow.yml": text, **{f"{name}.yml": each for name, each in others.items()}}
        self.commit({f".github/workflows/{name}": each for name, each in files.items()})


@pytest.fixture
def small(repository: Repository) -> Small:
    return Small(repository)
