"""GitHub, as far as workflows ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitops.github.github import Github, serving


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Github]:
    with serving(tmp_path / "github") as running:
        yield running
