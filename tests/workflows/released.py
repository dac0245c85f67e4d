"""The project as it is once an image was released: its digest is pinned, and what it takes stands in base/."""

from __future__ import annotations

import shutil
from pathlib import Path

from gitops.release.proposal import pin as pin_in
from tests.project import MANIFESTS
from tests.workflows.history import History

DIGEST = "sha256:" + "a" * 64


def pin(project: History, scratch: Path) -> None:
    """Commit to main what `make pin IMAGE_DIGEST=sha256:aaa…` writes."""
    shutil.copytree(MANIFESTS / "base", scratch / "base")
    list(pin_in(scratch, DIGEST))
    names = ("base/kustomization.yaml", "base/interface.json")
    project.commit({name: (scratch / name).read_text() for name in names})
