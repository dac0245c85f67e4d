"""Pinning an image: in base for all overlays, or in one of them; and letting that follow base again."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, BadManifest
from gitops.files import remove_item, set_scalars, write_all
from gitops.manifests import image, image_interface
from gitops.manifests.image import BASE_KUSTOMIZATION, NAME, UNRELEASED, images_entry, is_digest, pins
from gitops.manifests.kustomization import Kustomization, kustomizations
from gitops.manifests.rendered import OVERLAYS
from gitops.manifests.site import read_site


def unpin_command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("overlay", metavar="OVERLAY")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(unpin(root, arguments.overlay))

    return run


def pin(root: Path, digest: str, record: Mapping[str, Any] | None = None, overlay: str = "") -> Iterator[str]:
    """Pin the image ``digest`` below ``root``, in the ``overlay`` alone or in base; yield a line for each file that changes.

    What the image takes is what the ``record`` of its build says (gitops.release.record), or else what the server of
    this checkout does: then the image must have been built from it.

    Raises:
        BadArgument: it is no digest that an image can have, or there is no such overlay.
        BadManifest: the kustomization names no image of the project, or has another layout.
        NotWritten: a file cannot be written; both are as they were.
    """
    check_digest(digest)
    if overlay:
        entry = _overlay(root, overlay)
        texts: dict[Path, str | None] = {
            root / entry.file: _with_pin(root, entry, digest),
            root / entry.folder / image_interface.NAME: image_interface.serialize(digest, record),
        }
    else:
        texts = pinned(root, digest, record)
    yield from (f"{path.relative_to(root)}: written for {digest}" for path in write_all(texts))


def pinned(
    root: Path, digest: str, record: Mapping[str, Any] | None = None, text: str | None = None
) -> dict[Path, str | None]:
    """Return the files of base, ``text`` the kustomization's, that pin ``digest``; an empty one pins none until one is released.

    Raises:
        BadManifest: base names no image of the project, or has another layout.
    """
    file = root / BASE_KUSTOMIZATION
    text = file.read_text(encoding="utf-8") if text is None else text
    return {
        file: _set(text, NAME, digest or UNRELEASED, BASE_KUSTOMIZATION),
        root / image_interface.FILE: image_interface.serialize(digest, record) if digest else None,
    }


def reference(root: Path, digest: str, overlay: str = "") -> str:
    """Return the image ``digest`` as base, or the ``overlay``, pulls it.

    Raises:
        BadArgument: there is no such overlay.
        BadManifest: site.yaml is not valid.
    """
    entry = images_entry(_overlay(root, overlay)) if overlay else None
    name = (entry.get("newName") or entry.get("name")) if entry else read_site(root).image
    return f"{name}@{digest}"


def unpin(root: Path, overlay: str) -> Iterator[str]:
    """Take the image that an overlay pins itself away: it follows base again. Yield a line for each file.

    Raises:
        BadArgument: there is no such overlay, or it pins none.
        BadManifest: its images have another layout.
        NotWritten: a file cannot be written; both are as they were.
    """
    entry = _overlay(root, overlay)
    listed = images_entry(entry)
    if listed is None:
        raise BadArgument(f"overlay {overlay!r}: pins no image of its own; it follows {BASE_KUSTOMIZATION}")
    text = (root / entry.file).read_text(encoding="utf-8")
    interface = root / entry.folder / image_interface.NAME
    name = str(listed.get("name"))
    written = write_all(
        {root / entry.file: remove_item(text, "images", ("name", name), origin=entry.file), interface: None}
    )
    yield f"{entry.file}: follows {BASE_KUSTOMIZATION} again"
    if interface in written:
        yield f"{interface.relative_to(root)}: removed"


def staying(root: Path) -> Iterator[str]:
    """Yield a line for each overlay that does not follow base, for it pins an image itself."""
    for folder, reference in pins(kustomizations(root)).items():
        name = folder.rpartition("/")[2]
        yield f"{folder}: stays at {image.digest(reference)}, which it pins itself; `make unpin OVERLAY={name}` lets it follow base"


def check_digest(digest: str) -> None:
    """Check that ``digest`` can be the digest of an image.

    Raises:
        BadArgument: ``digest`` is not a digest.
    """
    if not is_digest(digest):
        raise BadArgument(
            f"image digest {digest!r}: must be sha256: and 64 digits of 0–9 and a–f, not all zeros, as the registry "
            "gives it; give it as in `make pin IMAGE_DIGEST=sha256:…`"
        )


def _overlay(root: Path, name: str) -> Kustomization:
    known = {entry.folder: entry for entry in kustomizations(root) if entry.folder.startswith(f"{OVERLAYS}/")}
    if f"{OVERLAYS}/{name}" not in known:
        listed = ", ".join(folder.removeprefix(f"{OVERLAYS}/") for folder in known) or "none"
        raise BadArgument(f"overlay {name!r}: must be one of {listed}")
    return known[f"{OVERLAYS}/{name}"]


def _with_pin(root: Path, entry: Kustomization, digest: str) -> str:
    """Return the overlay's kustomization with the digest in it."""
    text = (root / entry.file).read_text(encoding="utf-8")
    listed = images_entry(entry)
    if listed is not None:
        return _set(text, str(listed.get("name")), digest, entry.file)
    # As an overlay renders it before its own fields.
    repository = read_site(root).image
    if "images" in entry.raw:
        raise BadManifest(
            f"{entry.file}: images has no entry of {repository}; add one with name and digest, a line for each"
        )
    return f"{text.rstrip()}\nimages:\n  - name: {repository}\n    digest: {digest}\n"


def _set(text: str, name: str, digest: str, file: str) -> str:
    return set_scalars(text, ("images", ("name", name)), {"digest": digest}, origin=file)
