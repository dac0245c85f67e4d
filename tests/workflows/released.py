"""The project as it is once an image was released: its digest is pinned, signed and attested, and what it takes stands in base/."""

from __future__ import annotations

import shutil
from pathlib import Path

from gitops.manifests.site import read_site
from gitops.release.pin import pin as pin_in
from tests.project import MANIFESTS
from tests.workflows.history import History

DIGEST = "sha256:" + "a" * 64


def pin(project: History, scratch: Path) -> None:
    """Commit to main what `make pin IMAGE_DIGEST=sha256:aaa…` writes, of an image that a release has signed and attested."""
    for name in ("base", "site"):
        shutil.copytree(MANIFESTS / name, scratch / name)
    list(pin_in(scratch, DIGEST))
    names = ("base/kustomization.yaml", "base/interface.json")
    project.commit({name: (scratch / name).read_text() for name in names})
    image = f"{read_site(scratch).image}@{DIGEST}"
    project.repository.signatures.write_text(f"{image}\n")
    project.repository.attested.append(image)
