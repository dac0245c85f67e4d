"""Fixtures of the tests of environments: a package index on disk, and nothing from a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.environment import interpreters
from server.environment.interpreters import Interpreter
from server.environment.uv import Uv
from tests.pythons import environ, missing
from tests.server.environment import making


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of uv for all tests of a process."""
    return tmp_path_factory.mktemp("uv")


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> list[Interpreter]:
    """The interpreters of this machine, oldest first; at least the one that runs the tests."""
    folder = tmp_path_factory.mktemp("pythons")
    return interpreters.present(Uv(folder, folder, environ=environ()))


@pytest.fixture(scope="session")
def path(pythons: list[Interpreter]) -> str:
    """A PATH with the folders of these interpreters only: uv tries all that looks like one on a PATH."""
    ask = "import sys; print(sys.executable)"
    found = (Path(making.run(python.path, ask, environ())).resolve().parent for python in pythons)
    return os.pathsep.join(dict.fromkeys(map(str, found)))


@pytest.fixture
def distributions(tmp_path: Path) -> list[Path]:
    """The wheels on the index: alpha 1.0 and 2.0, and beta, which requires alpha."""
    folder = tmp_path / "distributions"
    return [
        making.wheel(folder, "alpha", "1.0"),
        making.wheel(folder, "alpha", "2.0"),
        making.wheel(folder, "beta", "1.0", ["alpha>=1"]),
    ]


@pytest.fixture
def index(
    tmp_path: Path, distributions: list[Path], uv_cache: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of an index of ``distributions``, which stands for all indexes of this machine."""
    url = making.index(tmp_path / "index", *distributions)
    for name in ("UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    return url


@pytest.fixture
def two_pythons(pythons: list[Interpreter]) -> list[Interpreter]:
    """The interpreters of this machine, where there are at least two."""
    if len(pythons) < 2:
        missing("two Pythons")
    return pythons
