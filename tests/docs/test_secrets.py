"""docs/secrets.md names all there is to give."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.seal.secrets import SECRETS

TEXT = (Path(__file__).parents[2] / "docs/secrets.md").read_text()
NAMES = [secret.name for secret in SECRETS] + [value.name for secret in SECRETS for value in secret.values]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_and_its_values_are_documented(name: str) -> None:
    assert f"`{name}`" in TEXT
