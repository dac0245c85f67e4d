"""docs/secrets.md names all there is to give."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.manifests.site import read_site
from gitops.seal.secrets import secrets
from gitops.seal.stores import STORES
from tests.project import MANIFESTS

TEXT = (Path(__file__).parents[2] / "docs/secrets.md").read_text()
SECRETS = secrets(read_site(MANIFESTS))
VALUES = dict.fromkeys(value.name for part in (*SECRETS, *STORES) for value in part.values)
NAMES = [*(secret.name for secret in SECRETS), *VALUES]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_and_its_values_are_documented(name: str) -> None:
    assert f"`{name}`" in TEXT
