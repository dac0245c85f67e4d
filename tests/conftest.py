"""Fixtures of all tests: real parts, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from gitops.local.store import Store

# No test asserts a time: a busy machine must not make one fail.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A running S3 server without buckets; a test takes a bucket of its own."""
    with Store(tmp_path_factory.mktemp("store")) as running:
        yield running
