from __future__ import annotations

from pathlib import Path

import pytest

from gitops.seal.certificate import FILE
from tests.gitops.seal.keys import KeyPair


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return KeyPair(tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def root(tmp_path: Path, cluster: KeyPair) -> Path:
    """A repository whose secrets are sealed to ``cluster``."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(cluster.certificate)
    return tmp_path
