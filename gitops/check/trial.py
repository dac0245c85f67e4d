"""A component that nothing uses yet, tried upon an overlay: a component does not build alone."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from gitops.sources import FILES


def write(folder: Path, root: Path, component: str, overlay: str) -> None:
    """Write into ``folder``, made if need be, a kustomization of ``overlay`` with ``component``, both below ``root``."""
    folder.mkdir(parents=True, exist_ok=True)
    # Kustomize takes relative paths only, and what they mean once links are followed.
    above = Path(os.path.relpath(root.resolve(), folder.resolve()))
    (folder / FILES[0]).write_text(
        yaml.safe_dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [str(above / overlay)],
                "components": [str(above / component)],
            }
        )
    )
