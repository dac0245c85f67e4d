"""An image as BuildKit writes it into an archive, with the sources that it is made of as its one layer.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SOURCES = ("Dockerfile", "pyproject.toml", "uv.lock", "server", "tools/bootstrap.txt")
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Image:
    """The blobs by digest, and the index of the archive."""

    digest: str
    blobs: Mapping[str, bytes]
    index: Mapping[str, Any]


def image(context: Path, architecture: str, labels: Mapping[str, str], base: str = "") -> Image:
    """Return the image of the sources in ``context`` for a platform: the same for the same sources."""
    blobs: dict[str, bytes] = {}

    def blob(content: bytes, kind: str, **more: Any) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[digest] = content
        return {"mediaType": kind, "digest": digest, "size": len(content), **more}

    def document(content: Mapping[str, Any], kind: str, **more: Any) -> dict[str, Any]:
        return blob(json.dumps(content, sort_keys=True).encode(), kind, **more)

    layer = blob(_layer(context, base), _LAYER)
    platform = {"architecture": architecture, "os": "linux"}
    config = {
        **platform,
        "config": {"Labels": dict(labels)},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": document(config, _CONFIG),
        "layers": [layer],
    }
    described = document(manifest, _MANIFEST, platform=platform)
    provenance = document({"predicateType": "https://slsa.dev/provenance/v1"}, "application/vnd.in-toto+json")
    attestation = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": document({"architecture": "unknown", "os": "unknown"}, _CONFIG),
        "layers": [provenance],
    }
    about = {
        "vnd.docker.reference.digest": described["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    attested = document(
        attestation, _MANIFEST, annotations=about, platform={"architecture": "unknown", "os": "unknown"}
    )
    whole = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described, attested]}
    entry = document(whole, _INDEX)
    return Image(entry["digest"], blobs, {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]})


def _layer(context: Path, base: str) -> bytes:
    files = {"base": base.encode()}
    for source in _SOURCES:
        path = context / source
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        names = (each for each in found if each.is_file() and "__pycache__" not in each.parts)
        files |= {str(each.relative_to(context)): each.read_bytes() for each in names}
    return _tar(files)


def write(made: Image, archive: Path) -> None:
    """Write an OCI archive."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(made.index).encode()}
    files |= {f"blobs/{digest.replace(':', '/')}": content for digest, content in made.blobs.items()}
    archive.write_bytes(_tar(files))


def _tar(files: Mapping[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return output.getvalue()
