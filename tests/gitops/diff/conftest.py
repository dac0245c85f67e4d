from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gitops.diff.repository import Repository, make


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("template") / "repository").root


@pytest.fixture
def repository(template: Path, tmp_path: Path) -> Repository:
    return Repository(shutil.copytree(template, tmp_path / "repository", symlinks=True))
