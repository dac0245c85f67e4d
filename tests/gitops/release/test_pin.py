"""Pinning a released image, and what the manifests may ask of it from then on."""

from __future__ import annotations

import json

import pytest

from gitops.__main__ import main
from gitops.errors import BadArgument, BadManifest, NotWritten
from gitops.manifests import image
from gitops.release.pin import pin
from server.image_interface import interface
from tests.gitops.policies.copies import Copy

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_the_digest_and_what_the_image_takes_are_written_together(tree: Copy) -> None:
    before = (tree.root / "base/kustomization.yaml").read_text()
    assert list(pin(tree.root, DIGEST)) == [
        f"base/kustomization.yaml: written for {DIGEST}",
        f"base/interface.json: written for {DIGEST}",
    ]
    # One line, whatever stands around it.
    after = (tree.root / "base/kustomization.yaml").read_text()
    assert after == before.replace(image.UNRELEASED, DIGEST)
    assert json.loads((tree.root / "base/interface.json").read_text()) == {"image": DIGEST, **interface()}
    assert list(pin(tree.root, DIGEST)) == []
    assert tree.errors() == []


def test_a_manifest_may_not_ask_the_pinned_image_for_what_came_later(tree: Copy) -> None:
    list(pin(tree.root, DIGEST))
    file = tree.root / "base/interface.json"
    content = json.loads(file.read_text())
    del content["verbs"]["fetch"]["options"]["--digest"]
    file.write_text(json.dumps(content))
    assert tree.broken("skew", "overlays/model") == [
        "error[skew] overlays/model\n"
        "  SeldonDeployment graph-iris-model: spec.predictors[0].componentSpecs[0].spec.initContainers[0].args of "
        "model-initializer: option '--digest' of fetch: the image has none\n"
        "  policy: Manifests ask the pinned image only for what it has: what is new in the server is released before "
        "it is used\n"
        "  fix: release the image that has it, then ask for it (docs/decisions/skew.md); or correct the name"
    ]


@pytest.mark.parametrize("digest", ["", "latest", "sha256:abc", image.UNRELEASED, DIGEST.upper()])
def test_what_no_image_can_have_is_refused(tree: Copy, digest: str) -> None:
    before = (tree.root / "base/kustomization.yaml").read_text()
    with pytest.raises(BadArgument) as refused:
        list(pin(tree.root, digest))
    assert str(refused.value) == (
        f"image digest {digest!r}: must be sha256: and 64 digits of 0–9 and a–f, not all zeros, as the registry gives "
        "it; give it as in `make pin IMAGE_DIGEST=sha256:…`"
    )
    assert (tree.root / "base/kustomization.yaml").read_text() == before
    assert not (tree.root / "base/interface.json").exists()


def test_a_base_without_the_image_is_refused(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", "name: seldon-mlflow-server", "name: another")
    with pytest.raises(BadManifest) as refused:
        list(pin(tree.root, DIGEST))
    assert str(refused.value) == (
        "base/kustomization.yaml: images.[name=seldon-mlflow-server] must be a mapping with a line for each key"
    )


def test_both_or_none_are_written(tree: Copy) -> None:
    before = (tree.root / "base/kustomization.yaml").read_text()
    (tree.root / "base/interface.json").mkdir()
    with pytest.raises(NotWritten, match="nothing is changed"):
        list(pin(tree.root, DIGEST))
    assert (tree.root / "base/kustomization.yaml").read_text() == before


def test_the_command_refuses_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pin", "latest"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: image digest 'latest': must be ")
    assert err.count("\n") == 1
