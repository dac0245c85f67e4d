"""The project's own image, under any registry and owner: the digest that base pins, and the images that overlays pin themselves.

`images` in an overlay's kustomization.yaml counts after that of base.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import BadManifest
from gitops.manifests.kustomization import Kustomization
from gitops.manifests.rendered import OVERLAYS

NAME = "seldon-mlflow-server"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# Stands for a release to come.
UNRELEASED = "sha256:" + "0" * 64


def is_project_image(image: str) -> bool:
    """Whether an image's reference names the project's image."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == NAME


def digest(image: str) -> str:
    """Return the digest of an image's reference, empty where it has none."""
    return image.partition("@")[2]


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest that an image can have: one of zeros stands for none."""
    return _DIGEST.fullmatch(text) is not None and text != UNRELEASED


BASE_KUSTOMIZATION = "base/kustomization.yaml"


def pinned_digest(root: Path) -> str:
    """Return the digest that base pins, empty where no image is released.

    Raises:
        BadManifest: base/kustomization.yaml names no image of the project.
    """
    try:
        return digest_in((root / BASE_KUSTOMIZATION).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadManifest(f"{BASE_KUSTOMIZATION}: cannot be read: {error}") from error


def digest_in(text: str) -> str:
    """Return the digest that the text of base/kustomization.yaml pins, empty where no image is released.

    Raises:
        BadManifest: it names no image of the project.
    """
    digest = str(_entry(text).get("digest") or "")
    return digest if is_digest(digest) else ""


def _entry(text: str) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadManifest(f"{BASE_KUSTOMIZATION}: cannot be read: {' '.join(str(error).split())}") from error
    for entry in (content if isinstance(content, dict) else {}).get("images") or ():
        if isinstance(entry, dict) and entry.get("name") == NAME:
            return entry
    raise BadManifest(f"{BASE_KUSTOMIZATION}: images must have one of the name {NAME}")


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
