"""The images that overlays pin themselves: `images` in an overlay's kustomization.yaml, which counts after that of base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitops.manifests.image import is_project_image
from gitops.manifests.kustomization import Kustomization
from gitops.manifests.rendered import OVERLAYS


def images_entry(kustomization: Kustomization) -> Mapping[str, Any] | None:
    """Return the entry of a kustomization's images for the project's image, None where there is none."""
    listed = kustomization.raw.get("images")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and is_project_image(str(entry.get("newName") or entry.get("name"))):
            return entry
    return None


def pins(kustomizations: Iterable[Kustomization]) -> dict[str, str]:
    """Return the image that each overlay pins itself, as in ghcr.io/owner/name@sha256:…, by the overlay's folder."""
    return {
        entry.folder: f"{found.get('newName') or found.get('name')}@{found['digest']}"
        for entry in kustomizations
        if entry.folder.startswith(f"{OVERLAYS}/") and (found := images_entry(entry)) and found.get("digest")
    }
