"""All components: every overlay of a node can switch on all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from tests.project import FOLDERS, MANIFESTS

COMPONENTS = sorted(folder.name for folder in (MANIFESTS / "components").iterdir())


def test_every_component_is_right_in_every_overlay(tmp_path: Path) -> None:
    for name in FOLDERS:
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    used = "".join(f"  - ../../components/{name}\n" for name in COMPONENTS)
    nodes = sorted(tmp_path.glob("overlays/*/node.yaml"))
    assert len(nodes) == 3
    for node in nodes:
        file = node.with_name("kustomization.yaml")
        file.write_text(file.read_text().replace("  - ../../base/node\n", f"  - ../../base/node\n{used}"))
    found = [str(finding) for finding in findings(load(tmp_path)) if finding.level == "error"]
    assert found == []
