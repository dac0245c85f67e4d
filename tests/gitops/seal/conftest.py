from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops.manifests import site
from gitops.seal.certificate import FILE
from tests.gitops.seal.keys import KeyPair
from tests.gitops.seal.overlays import overlay
from tests.project import MANIFESTS


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return KeyPair(tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def root(tmp_path: Path, cluster: KeyPair) -> Path:
    """A repository whose secrets are sealed to ``cluster``, with one overlay, whose model is in S3."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(cluster.certificate)
    overlay(tmp_path, "model", "s3://mlflow/iris")
    shutil.copytree(MANIFESTS / site.FOLDER, tmp_path / site.FOLDER)
    return tmp_path
