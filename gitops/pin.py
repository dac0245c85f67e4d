"""Pinning a released image: its digest in base, and beside it what the image takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gitops import image, interface
from gitops.errors import BadArgument
from gitops.files import write_all
from gitops.scalar import set_scalars

BASE = "base/kustomization.yaml"


def pin(root: Path, digest: str) -> Iterator[str]:
    """Pin the image ``digest``, built from this checkout, below ``root``; yield a line for each file that changes.

    Raises:
        BadArgument: it is no digest that an image can have.
        BadManifest: base/kustomization.yaml names no image of the project.
        NotWritten: a file cannot be written; both are as they were.
    """
    if not image.is_digest(digest):
        raise BadArgument(
            f"image digest {digest!r}: must be sha256: and 64 digits of 0–9 and a–f, not all zeros, as the registry "
            "gives it; give it as in `make pin IMAGE_DIGEST=sha256:…`"
        )
    file = root / BASE
    text = set_scalars(
        file.read_text(encoding="utf-8"),
        ("images", ("name", image.NAME)),
        {"digest": digest},
        origin=BASE,
    )
    written = write_all({file: text, root / interface.FILE: interface.text(digest)})
    yield from (f"{path.relative_to(root)}: written for {digest}" for path in written)
