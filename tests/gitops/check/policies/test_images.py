from __future__ import annotations

import pytest

from tests.gitops.check.copies import Copy

DIGEST = "    digest: sha256:" + "0" * 64
POLICY = "  policy: An image is named by its digest: every pod runs the bytes that were reviewed\n"
FIX = "  fix: set newName and digest (sha256: and 64 hexadecimal digits) under images in base/kustomization.yaml"


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("    newTag: latest", "ghcr.io/owner/seldon-mlflow-server:latest"),
        ("    digest: sha256:abc", "ghcr.io/owner/seldon-mlflow-server@sha256:abc"),
        ("", "ghcr.io/owner/seldon-mlflow-server"),
    ],
    ids=["tag", "short digest", "neither"],
)
def test_an_image_without_digest(tree: Copy, line: str, image: str) -> None:
    tree.edit("base/kustomization.yaml", DIGEST, line)
    errors = tree.broken("image-digest", "overlays/model")
    assert errors == [
        "error[image-digest] overlays/model\n"
        f"  SeldonDeployment graph-iris-model: spec.predictors[0].componentSpecs[0].spec.{container}.image is {image!r}\n"
        f"{POLICY}{FIX}"
        for container in ("initContainers[0]", "initContainers[1]", "containers[0]")
    ]


def test_a_digest_of_zeros_is_a_warning(tree: Copy) -> None:
    status, said = tree.check()
    assert status == 0
    assert (
        "warning[image-released] base\n"
        "  SeldonDeployment <deployment>: runs ghcr.io/owner/seldon-mlflow-server@sha256:" + "0" * 64 + "\n"
        "  policy: The pinned image exists: a digest of zeros stands for a release to come\n"
        "  fix: release the image; its digest goes into base/kustomization.yaml\n"
    ) in said


def test_a_released_image_is_fine(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", DIGEST, "    digest: sha256:" + "0123456789abcdef" * 4)
    assert tree.errors() == []
    assert "warning" not in tree.check()[1]
