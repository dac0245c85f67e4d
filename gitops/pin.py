"""Pinning a released image: its digest in base, and beside it what the image takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gitops import image, interface
from gitops.errors import BadArgument, BadManifest
from gitops.files import write_all
from gitops.scalar import set_scalars

BASE = "base/kustomization.yaml"


def pin(root: Path, digest: str, record: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Pin the image ``digest`` below ``root``; yield a line for each file that changes.

    What the image takes is what the ``record`` of its build says (gitops.release.record), or else what the server of
    this checkout does: then the image must have been built from it.

    Raises:
        BadArgument: it is no digest that an image can have.
        BadManifest: base/kustomization.yaml names no image of the project.
        NotWritten: a file cannot be written; both are as they were.
    """
    check(digest)
    file = root / BASE
    text = set_scalars(
        file.read_text(encoding="utf-8"),
        ("images", ("name", image.NAME)),
        {"digest": digest},
        origin=BASE,
    )
    written = write_all({file: text, root / interface.FILE: interface.text(digest, record)})
    yield from (f"{path.relative_to(root)}: written for {digest}" for path in written)


def check(digest: str) -> None:
    """Let only a digest pass that an image can have.

    Raises:
        BadArgument: ``digest`` is none.
    """
    if not image.is_digest(digest):
        raise BadArgument(
            f"image digest {digest!r}: must be sha256: and 64 digits of 0–9 and a–f, not all zeros, as the registry "
            "gives it; give it as in `make pin IMAGE_DIGEST=sha256:…`"
        )


def name(root: Path) -> str:
    """Return the repository of the image that base pins, as in ghcr.io/owner/seldon-mlflow-server.

    Raises:
        BadManifest: base/kustomization.yaml names no image of the project.
    """
    return str(_entry(root).get("newName") or image.NAME)


def pinned(root: Path) -> str:
    """Return the digest that base pins, empty where no image is released.

    Raises:
        BadManifest: base/kustomization.yaml names no image of the project.
    """
    digest = str(_entry(root).get("digest") or "")
    return digest if image.is_digest(digest) else ""


def _entry(root: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load((root / BASE).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadManifest(f"{BASE}: cannot be read: {' '.join(str(error).split())}") from error
    for entry in (content if isinstance(content, dict) else {}).get("images") or ():
        if isinstance(entry, dict) and entry.get("name") == image.NAME:
            return entry
    raise BadManifest(f"{BASE}: images must have one of the name {image.NAME}")
