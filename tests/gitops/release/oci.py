"""Tiny OCI archives as `docker buildx build --output type=oci` writes them: an image and its attestation."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


@dataclass
class Build:
    """What one build makes: ``layer`` is all of the image, ``time`` stands in its attestation alone."""

    architecture: str
    layer: bytes = b"layer"
    time: str = "2026-01-01"
    attested: bool = True
    blobs: dict[str, bytes] = field(default_factory=dict)

    def write(self, file: Path, *, without: str = "", broken: str = "") -> Path:
        """Write the archive; ``without`` and ``broken`` are digests of blobs to leave out or to change."""
        image = self._image()
        listed = [image]
        if self.attested:
            platform = {"architecture": self.architecture, "os": "linux"}
            listed = [{**image, "platform": platform}, self._attestation(image["digest"])]
            inner = self._put(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
            listed = [{**inner, "annotations": {"org.opencontainers.image.created": self.time}}]
        files = {f"blobs/sha256/{digest[7:]}": content for digest, content in self.blobs.items()}
        files.pop(f"blobs/sha256/{without[7:]}", None)
        if broken:
            files[f"blobs/sha256/{broken[7:]}"] += b"!"
        files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
        files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        with tarfile.open(file, "w") as tar:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return file

    @property
    def digest(self) -> str:
        return str(self._image()["digest"])

    @property
    def layer_digest(self) -> str:
        return f"sha256:{sha256(self.layer).hexdigest()}"

    def _image(self) -> dict[str, Any]:
        config = {
            "architecture": self.architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        layer = self._blob("application/vnd.oci.image.layer.v1.tar+gzip", self.layer)
        return self._put(
            MANIFEST,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._put(CONFIG, config),
                "layers": [layer],
            },
        )

    def _attestation(self, image: str) -> dict[str, Any]:
        statement = self._put("application/vnd.in-toto+json", {"time": self.time, "of": self.architecture})
        config = {"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}}
        made = self._put(
            MANIFEST,
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._put(CONFIG, config),
                "layers": [statement],
            },
        )
        reference = {
            "vnd.docker.reference.digest": image,
            "vnd.docker.reference.type": "attestation-manifest",
        }
        return {**made, "annotations": reference, "platform": {"architecture": "unknown", "os": "unknown"}}

    def _put(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        return self._blob(kind, json.dumps(content).encode())

    def _blob(self, kind: str, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return {"mediaType": kind, "digest": digest, "size": len(content)}
