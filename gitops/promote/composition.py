"""Which overlays a graph is composed of: read from the files, without what runs models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitops.manifests.graphnode import FILE
from gitops.manifests.kustomization import kustomizations
from gitops.manifests.rendered import OVERLAYS
from server.pins import expectation


def composed(root: Path) -> Mapping[str, frozenset[str]]:
    """Return the graphs of the tree ``root`` that have an expected.json: the overlays that each is composed of, by its folder."""
    return {
        entry.folder: frozenset(name.removeprefix(f"{OVERLAYS}/") for name in entry.resources)
        for entry in kustomizations(root)
        if entry.folder.startswith(f"{OVERLAYS}/")
        and not (root / entry.folder / FILE).exists()
        and (root / entry.folder / expectation.FILE).is_file()
    }
