"""A component that nothing uses yet, tried upon an overlay: a component does not build alone."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from gitops.check.kustomization import Kustomization
from gitops.sources import FILES


def write(folder: Path, tree: Path, component: str, overlay: Kustomization) -> None:
    """Write into ``folder``, made if need be, a kustomization of ``overlay`` with ``component``, both below ``tree``."""
    folder.mkdir(parents=True, exist_ok=True)
    # Kustomize takes relative paths only, and what they mean once links are followed.
    above = Path(os.path.relpath(tree.resolve(), folder.resolve()))
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(above / overlay.folder)],
        "components": [str(above / component)],
    }
    # What the component adds would get it inside the overlay.
    if "namespace" in overlay.raw:
        content["namespace"] = overlay.raw["namespace"]
    (folder / FILES[0]).write_text(yaml.safe_dump(content))
