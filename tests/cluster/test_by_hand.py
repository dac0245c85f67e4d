"""An overlay applied by kubectl, without Argo CD or Flux, by the commands of docs/install.md."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.namespace import Namespace, namespace
from tests.project import MANIFESTS, ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]
JOB = "graph-iris-model-smoke"


@pytest.fixture
def place() -> Iterator[Namespace]:
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("needs a cluster with the kind SeldonDeployment (docs/cluster.md): set KUBECONFIG")
    with namespace(f"by-hand-{secrets.token_hex(3)}") as made:
        yield made


def commands() -> list[list[str]]:
    """Return those that apply and delete the overlay; what is between them takes a rollout."""
    section = (ROOT / "docs/install.md").read_text().partition("### By hand\n")[2].partition("\n## ")[0]
    lines = re.findall("^    (kubectl .*)$", section, re.MULTILINE)
    return [shlex.split(line) for line in lines if "overlays/model" in line]


def pin(root: Path, digit: str) -> None:
    file = root / "base/kustomization.yaml"
    file.write_text(re.sub("digest: sha256:.*", f"digest: sha256:{digit * 64}", file.read_text()))


def test_it_is_applied_again_and_after_a_change(place: Namespace, tmp_path: Path) -> None:
    for name in ("base", "overlays"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    file = tmp_path / "overlays/model/kustomization.yaml"
    file.write_text(file.read_text().replace("namespace: seldon", f"namespace: {place.name}"))
    identities = set()
    for digit in ("1", "1", "2"):
        pin(tmp_path, digit)
        for command in commands():
            subprocess.run(command, cwd=tmp_path, check=True, timeout=120, capture_output=True)
        job = place.get("job", JOB)
        assert job["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{digit * 64}")
        identities.add(job["metadata"]["uid"])
        assert place.get("seldondeployment", "graph-iris-model")["metadata"]["namespace"] == place.name
    # Each time the smoke test runs.
    assert len(identities) == 3
    pin(tmp_path, "3")
    refused = subprocess.run(
        ["kubectl", "apply", "--server-side", "--kustomize", "overlays/model"],
        cwd=tmp_path,
        check=False,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert "field is immutable" in refused.stderr
