"""What each overlay renders, in a small readable file named like its SeldonDeployment.

After a change that is meant: ``make test-manifests``, ``UPDATE_SNAPSHOTS=1 pytest tests/overlays``, and review the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import seldon_deployments
from gitops.manifests.tree import load
from tests.overlays.summary import summary
from tests.project import MANIFESTS

SNAPSHOTS = Path(__file__).parent / "snapshots"
OVERLAYS = sorted(folder.name for folder in (MANIFESTS / "overlays").iterdir())


def test_every_kustomization_builds() -> None:
    tree = load(MANIFESTS)
    assert tree.failures == {}
    assert {"base", *(f"overlays/{name}" for name in OVERLAYS)} <= set(tree.rendered)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders_what_its_snapshot_says(overlay: str) -> None:
    (deployment,) = seldon_deployments(build(MANIFESTS / "overlays" / overlay))
    file = SNAPSHOTS / f"{deployment.name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(summary(deployment))
    assert summary(deployment) == file.read_text()


def test_every_snapshot_has_an_overlay() -> None:
    names = {seldon_deployments(build(MANIFESTS / "overlays" / overlay))[0].name for overlay in OVERLAYS}
    assert {file.stem for file in SNAPSHOTS.iterdir()} == names
