"""What a build exported: images and attestations, and nothing that is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import BadArgument, BadManifest, ReleaseFailed
from gitops.release.archive import extract, manifests
from tests.gitops.release.oci import Build


@pytest.mark.parametrize("attested", [True, False])
def test_an_image_and_its_attestation_are_found(tmp_path: Path, attested: bool) -> None:
    build = Build("arm64", attested=attested)
    found = manifests([build.write(tmp_path / "image.tar")])
    assert [entry.platform for entry in found] == ["linux/arm64", ""][: 1 + attested]
    assert found[0].digest == build.digest
    assert build.layer_digest in found[0].blobs
    assert found[0].descriptor["platform"] == {"architecture": "arm64", "os": "linux"}
    # The time of the build and the names that it had there stay behind.
    assert "annotations" not in found[0].descriptor


def test_a_blob_of_another_digest_is_refused(tmp_path: Path) -> None:
    build = Build("amd64")
    file = build.write(tmp_path / "image.tar", broken=build.layer_digest)
    with pytest.raises(ReleaseFailed) as refused:
        manifests([file])
    assert str(refused.value).startswith(f"{file}: the blob {build.layer_digest} is sha256:")


def test_a_blob_that_is_missing_is_refused(tmp_path: Path) -> None:
    build = Build("amd64")
    file = build.write(tmp_path / "image.tar", without=build.layer_digest)
    with pytest.raises(ReleaseFailed) as refused:
        manifests([file])
    assert str(refused.value) == (
        f"{file}: has no blobs/{build.layer_digest.replace(':', '/')}: it is no OCI archive, or was cut; export it again"
    )


def test_a_name_that_leads_elsewhere_is_no_digest(tmp_path: Path) -> None:
    build = Build("amd64")
    evil = "sha256:../../../evil"
    build.layer = b"evil"
    build.write(tmp_path / "image.tar")
    before = build._blob

    def blob(kind: str, content: bytes) -> dict[str, object]:
        made = before(kind, content)
        if content == b"evil":
            build.blobs[evil] = content
            return {**made, "digest": evil}
        return made

    build._blob = blob  # type: ignore[method-assign]
    file = build.write(tmp_path / "image.tar")
    with pytest.raises(ReleaseFailed, match=r"'sha256:\.\./\.\./\.\./evil': must be a digest"):
        extract(manifests([file]), tmp_path / "layout")
    assert not (tmp_path / "evil").exists()


def test_two_images_of_one_platform_are_refused(tmp_path: Path) -> None:
    files = [Build("amd64").write(tmp_path / "1.tar"), Build("amd64", b"other").write(tmp_path / "2.tar")]
    with pytest.raises(ReleaseFailed, match="two images of linux/amd64; name one archive for each platform"):
        manifests(files)


def test_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseFailed, match=r"^no archive: no image in it$"):
        manifests([])
    with pytest.raises(BadArgument, match=r"cannot be read \(No such file or directory\); name the files of"):
        manifests([tmp_path / "none.tar"])
    (tmp_path / "text.tar").write_text("no tar")
    with pytest.raises(ReleaseFailed, match=r"text\.tar: is no tar archive"):
        manifests([tmp_path / "text.tar"])


def test_a_document_of_another_shape_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Build("amd64", attested=False)
    monkeypatch.setattr(build, "_image", lambda: {"mediaType": "application/vnd.oci.image.manifest.v1+json"})
    file = build.write(tmp_path / "image.tar")
    with pytest.raises(BadManifest) as refused:
        manifests([file])
    assert str(refused.value) == f"{file}: index.json: manifests[0].digest is nothing: must be a string"
