"""Fixtures of all tests: real parts, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitops.local.store import Store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A running S3 server without buckets; a test takes a bucket of its own."""
    with Store(tmp_path_factory.mktemp("store")) as running:
        yield running
