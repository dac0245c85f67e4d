"""The OCI archives that a build exports: an image layout in a tar file, read without trusting it.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md; BuildKit writes an index with the image's
manifest and its attestations (https://docs.docker.com/build/metadata/attestations/attestation-storage/).
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from gitops.errors import BadArgument, ReleaseFailed
from gitops.manifests.image import is_digest
from gitops.manifests.unstructured import Unstructured

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_MEGABYTE = 1024 * 1024
# Of an index, a manifest or a configuration; the largest that registries take is 4 MiB.
_DOCUMENT = 4 * _MEGABYTE
# An index holds manifests; BuildKit's holds one more index.
_DEPTH = 3
# The annotation that names an attestation's image; the others are times and names of the build machine.
_ANNOTATIONS = "vnd.docker.reference."


@dataclass(frozen=True)
class Manifest:
    """A manifest of an archive, and its ``descriptor`` for an index that lists it.

    ``platform`` is as in linux/arm64, and empty for an attestation. ``blobs`` are the digests of its configuration
    and its layers.
    """

    archive: Path
    descriptor: Mapping[str, Any]
    platform: str
    blobs: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Return the manifest's digest, as in sha256:…."""
        return str(self.descriptor["digest"])


def manifests(archives: Sequence[Path]) -> list[Manifest]:
    """Return the manifests of ``archives`` in their order, each image before its attestations.

    Raises:
        BadArgument: an archive cannot be read.
        BadManifest: a document in one has another shape than the specification says.
        ReleaseFailed: one is not an OCI archive, lacks a blob or holds one of another digest, or two are of one platform.
    """
    found = [manifest for archive in archives for manifest in _read(archive)]
    images = [manifest.platform for manifest in found if manifest.platform]
    double = {platform for platform in images if images.count(platform) > 1}
    if double:
        raise ReleaseFailed(
            f"{', '.join(map(str, archives))}: two images of {', '.join(sorted(double))}; name one archive for each platform"
        )
    if not images:
        raise ReleaseFailed(f"{', '.join(map(str, archives)) or 'no archive'}: no image in it")
    return found


def extract(found: Sequence[Manifest], folder: Path) -> None:
    """Write all blobs of ``found`` below ``folder``/blobs/sha256, as an image layout has them.

    Raises:
        ReleaseFailed: a blob is missing or another one than its digest says.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for archive in dict.fromkeys(manifest.archive for manifest in found):
        wanted = {
            digest
            for manifest in found
            if manifest.archive == archive
            for digest in (manifest.digest, *manifest.blobs)
        }
        with _Layout(archive) as layout:
            for digest in sorted(wanted):
                with (blobs / digest.removeprefix("sha256:")).open("wb") as stream:
                    for block in layout.blocks(digest):
                        stream.write(block)


def _read(archive: Path) -> list[Manifest]:
    with _Layout(archive) as layout:
        found = list(layout.manifests(layout.index(), _DEPTH))
        for manifest in found:
            for digest in manifest.blobs:
                for _ in layout.blocks(digest):
                    pass
    # BuildKit puts attestations behind all images.
    return sorted(found, key=lambda manifest: not manifest.platform)


class _Layout:
    """An archive that is open; what is read from it has the digest that it is read by."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        try:
            self._tar = tarfile.open(archive)  # noqa: SIM115 - closed by __exit__
            self._members = {
                member.name.removeprefix("./"): member for member in self._tar if member.isfile()
            }
        except OSError as error:
            raise BadArgument(
                f"MANIFESTS {str(archive)!r}: cannot be read ({error.strerror}); name the files of "
                "`docker buildx build --output type=oci,dest=…`"
            ) from error
        except tarfile.TarError as error:
            raise ReleaseFailed(f"{archive}: is no tar archive ({error})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def manifests(self, index: Unstructured, depth: int) -> Iterator[Manifest]:
        for descriptor in index.parts("manifests"):
            kind = descriptor.text("mediaType", "")
            if kind == INDEX and depth:
                yield from self.manifests(self._document(descriptor.text("digest")), depth - 1)
            elif kind == MANIFEST:
                yield self._manifest(descriptor)
            else:
                raise ReleaseFailed(
                    f"{self._archive}: holds {kind!r}: must be OCI manifests; export with type=oci, not type=docker"
                )

    def index(self) -> Unstructured:
        """Return index.json, which nothing has a digest of."""
        member = self._member("index.json")
        stream = self._tar.extractfile(member)
        return self._parsed("index.json", stream.read(_DOCUMENT) if stream else b"")

    def blocks(self, digest: str) -> Iterator[bytes]:
        """Yield a blob's content, and fail at its end where its digest is another."""
        if not is_digest(digest):
            raise ReleaseFailed(
                f"{self._archive}: {digest!r}: must be a digest, sha256: and 64 digits of 0–9 and a–f"
            )
        member = self._member(f"blobs/{digest.replace(':', '/')}")
        stream, seen = self._tar.extractfile(member), hashlib.sha256()
        while stream is not None and (block := stream.read(_MEGABYTE)):
            seen.update(block)
            yield block
        if digest != f"sha256:{seen.hexdigest()}":
            raise ReleaseFailed(
                f"{self._archive}: the blob {digest} is sha256:{seen.hexdigest()}; export it again"
            )

    def _manifest(self, descriptor: Unstructured) -> Manifest:
        manifest = self._document(descriptor.text("digest"))
        config = manifest.part("config").text("digest")
        # In an index of one image the platform stands in the configuration alone.
        message = descriptor.part("platform") if descriptor.raw.get("platform") else self._document(config)
        platform = {key: message.text(key) for key in ("architecture", "os")}
        annotations = {
            key: value
            for key, value in descriptor.mapping("annotations").items()
            if key.startswith(_ANNOTATIONS)
        }
        return Manifest(
            archive=self._archive,
            descriptor={
                "mediaType": MANIFEST,
                "digest": descriptor.text("digest"),
                "size": descriptor.number("size"),
                **({"annotations": annotations} if annotations else {}),
                "platform": platform,
            },
            platform="" if platform["os"] == "unknown" else f"{platform['os']}/{platform['architecture']}",
            blobs=(config, *(layer.text("digest") for layer in manifest.parts("layers"))),
        )

    def _document(self, digest: str) -> Unstructured:
        content = b""
        for block in self.blocks(digest):
            content += block
            if len(content) > _DOCUMENT:
                raise ReleaseFailed(
                    f"{self._archive}: {digest} has more than {_DOCUMENT} bytes: no document is so large"
                )
        return self._parsed(digest, content)

    def _parsed(self, name: str, content: bytes) -> Unstructured:
        try:
            parsed = json.loads(content)
        except ValueError as error:
            raise ReleaseFailed(f"{self._archive}: {name} is no JSON ({error})") from error
        if not isinstance(parsed, dict):
            raise ReleaseFailed(f"{self._archive}: {name} must be an object")
        return Unstructured(f"{self._archive}: {name}", "", parsed)

    def _member(self, name: str) -> tarfile.TarInfo:
        if name not in self._members:
            raise ReleaseFailed(
                f"{self._archive}: has no {name}: it is no OCI archive, or was cut; export it again"
            )
        return self._members[name]
