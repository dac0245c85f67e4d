"""GitHub, as far as workflows ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gitops.github.github import Github, serving


@pytest.fixture
def github() -> Iterator[Github]:
    with serving() as running:
        yield running
