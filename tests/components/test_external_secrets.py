"""components/external-secrets: the Secrets that the operator makes of it are those that `make seal` makes."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.manifests.secrets import source_of_secret
from gitops.seal.secrets import Secret
from tests.gitops.seal.overlays import PULL, SITE, STORE
from tests.project import MANIFESTS

FOLDER = MANIFESTS / "components/external-secrets"
PROGRAM = Path(__file__).with_name("template.go")
# Signs that would break JSON, a template, or a user's password.
VALUES = {"REGISTRY_SERVER": "ghcr.io", "REGISTRY_USERNAME": "me", "REGISTRY_TOKEN": 'a "token": {{ . }}\\'}


def external(secret: Secret) -> dict[str, Any]:
    text = (FOLDER / f"externalsecret-{secret.use}.yaml").read_text()
    for field, value in (("imagePullSecret", PULL.name), ("objectStoreSecret", STORE.name)):
        text = text.replace(f"<{field}>", value)
    found: dict[str, Any] = yaml.safe_load(text)
    found["metadata"]["namespace"] = SITE.namespace
    return found


@pytest.mark.parametrize("secret", [PULL, STORE], ids=lambda secret: secret.name)
def test_the_keys_and_the_type_are_those_of_make_seal(secret: Secret) -> None:
    source = source_of_secret(external(secret))
    assert source is not None
    assert (source.namespace, source.name, source.type) == ("seldon", secret.name, secret.type)
    assert source.keys == frozenset(secret.keys)


def test_the_pull_secret_is_filled_as_make_seal_fills_it(tmp_path: Path) -> None:
    spec = external(PULL)["spec"]
    assert [entry["secretKey"] for entry in spec["data"]] == [value.name for value in PULL.values]
    template = spec["target"]["template"]["data"][".dockerconfigjson"]
    go = importlib.util.find_spec("go")
    assert go is not None
    assert go.origin is not None
    done = subprocess.run(
        [Path(go.origin).parent / "bin/go", "run", PROGRAM],
        input=template,
        env={**os.environ, **VALUES, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GO111MODULE": "off"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(PULL.data(VALUES)[".dockerconfigjson"])
