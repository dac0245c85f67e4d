"""Pushing to a real registry on loopback, and once more what is there."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from gitops.errors import BadArgument, ReleaseFailed
from gitops.release.registry import push, tag
from tests.gitops.release.conftest import read_outputs
from tests.gitops.release.oci import INDEX, MANIFEST, Build


def archives(folder: Path, layer: bytes = b"layer", time: str = "2026-01-01") -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [
        Build(architecture, layer + architecture.encode(), time).write(folder / f"{architecture}.tar")
        for architecture in ("arm64", "amd64")
    ]


def fetch(registry: str, reference: str, kind: str = INDEX) -> httpx.Response:
    return httpx.get(f"http://{registry}/v2/acme/image/manifests/{reference}", headers={"Accept": kind})


def pushed(registry: str, files: list[Path], outputs: dict[str, str]) -> str:
    list(push(f"{registry}/acme/image", files, outputs))
    return read_outputs(outputs)["image"]


def test_both_platforms_and_their_attestations_arrive_as_they_were_built(
    registry: str, tmp_path: Path, outputs: dict[str, str]
) -> None:
    files = archives(tmp_path)
    (line,) = push(f"{registry}/Acme/image", files, outputs)
    written = read_outputs(outputs)
    assert line == f"{registry}/acme/image@{written['digest']}: pushed for linux/amd64, linux/arm64"
    answer = fetch(registry, written["digest"])
    assert answer.headers["Content-Type"] == INDEX
    assert f"sha256:{sha256(answer.content).hexdigest()}" == written["digest"]
    entries = answer.json()["manifests"]
    assert [entry["platform"] for entry in entries[:2]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]
    assert [entry["annotations"]["vnd.docker.reference.type"] for entry in entries[2:]] == [
        "attestation-manifest"
    ] * 2
    for entry in entries:
        manifest = fetch(registry, entry["digest"], MANIFEST)
        assert f"sha256:{sha256(manifest.content).hexdigest()}" == entry["digest"]
        for layer in manifest.json()["layers"]:
            url = f"http://{registry}/v2/acme/image/blobs/{layer['digest']}"
            assert f"sha256:{sha256(httpx.get(url).content).hexdigest()}" == layer["digest"]
    tags = httpx.get(f"http://{registry}/v2/acme/image/tags/list").json()["tags"]
    assert [entry for entry in tags or () if not entry.startswith("sha256:")] == []


def test_what_stopped_half_way_is_run_again(registry: str, tmp_path: Path, outputs: dict[str, str]) -> None:
    files = archives(tmp_path)
    image = pushed(registry, files, outputs)
    digest = image.partition("@")[2]
    assert list(tag(image, ["v1"], move=False)) == [f"{registry}/acme/image:v1: is {digest} now"]
    assert pushed(registry, files[::-1], outputs) == image
    assert list(tag(image, ["v1", "sha-1"], move=False)) == [
        f"{registry}/acme/image:v1: is {digest} already",
        f"{registry}/acme/image:sha-1: is {digest} now",
    ]
    assert fetch(registry, "v1").content == fetch(registry, digest).content


def test_a_tag_stays_with_the_same_images_and_moves_to_no_others(
    registry: str, tmp_path: Path, outputs: dict[str, str]
) -> None:
    first = pushed(registry, archives(tmp_path), outputs)
    list(tag(first, ["v1"], move=False))
    digest = first.partition("@")[2]

    again = pushed(registry, archives(tmp_path / "again", time="2026-02-02"), outputs)
    assert again != first
    assert list(tag(again, ["v1"], move=False)) == [
        f"{registry}/acme/image:v1: stays {digest}, which holds the same images"
    ]

    other = pushed(registry, archives(tmp_path / "other", b"other"), outputs)
    with pytest.raises(ReleaseFailed) as refused:
        list(tag(other, ["v1"], move=False))
    assert str(refused.value) == (
        f"{registry}/acme/image:v1: is {digest} already, another image than {other.partition('@')[2]}; name another "
        "tag, or let this one move with MOVE=1"
    )
    assert f"sha256:{sha256(fetch(registry, 'v1').content).hexdigest()}" == digest
    list(tag(other, ["v1"], move=True))
    assert json.loads(fetch(registry, "v1").content) == json.loads(
        fetch(registry, other.partition("@")[2]).content
    )


def test_what_was_not_pushed_cannot_be_tagged(registry: str) -> None:
    with pytest.raises(ReleaseFailed, match="is not in the registry; push it first with `make image-push`"):
        list(tag(f"{registry}/acme/image@sha256:{'1' * 64}", ["v1"], move=False))


def test_a_broken_archive_is_not_pushed(registry: str, tmp_path: Path, outputs: dict[str, str]) -> None:
    build = Build("amd64")
    file = build.write(tmp_path / "broken.tar", broken=build.layer_digest)
    with pytest.raises(ReleaseFailed, match="export it again"):
        list(push(f"{registry}/acme/image", [file], outputs))
    assert httpx.get(f"http://{registry}/v2/_catalog").json()["repositories"] in (None, [])


@pytest.mark.parametrize("repository", ["", "ghcr.io/acme/image:v1", f"ghcr.io/acme/image@sha256:{'1' * 64}"])
def test_a_repository_has_no_tag(repository: str, outputs: dict[str, str]) -> None:
    with pytest.raises(BadArgument, match=r"must be a repository without a tag, as in ghcr\.io/owner"):
        list(push(repository, [], outputs))


def test_a_tag_must_be_one() -> None:
    image = f"ghcr.io/acme/image@sha256:{'1' * 64}"
    with pytest.raises(BadArgument, match="TAGS '-v': must be a tag"):
        list(tag(image, ["-v"], move=False))
    with pytest.raises(BadArgument, match="must end in @sha256:…, the digest that was pushed"):
        list(tag("ghcr.io/acme/image:v1", ["v2"], move=False))
