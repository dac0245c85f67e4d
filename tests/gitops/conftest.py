from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gitops.diff.repository import Repository, make
from tests.gitops.policies.copies import Copy
from tests.project import MANIFESTS


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    """The project's base and overlays, as they are before the first release."""
    for name in ("base", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    copy = Copy(tmp_path)
    copy.unrelease()
    return copy


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("template") / "repository").root


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Repository:
    """A git repository of the manifests that a test may change."""
    return Repository(shutil.copytree(template, tmp_path / "repository", symlinks=True))
