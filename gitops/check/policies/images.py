"""Policies about images."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops.check.policy import Breach, policy, warning
from gitops.check.tree import Rendered, Tree
from gitops.pods import Container

_PINNED = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_UNRELEASED = "@sha256:" + "0" * 64


@policy
def image_digest(rendered: Rendered) -> Iterator[Breach]:
    """An image is named by its digest: every pod runs the bytes that were reviewed."""
    for owner, container in _containers(rendered):
        if not _PINNED.fullmatch(container.image):
            yield Breach(
                owner,
                f"{container.path}.image is {container.image!r}",
                "set newName and digest (sha256: and 64 hexadecimal digits) under images in base/kustomization.yaml",
            )


@warning
def image_released(tree: Tree) -> Iterator[Breach]:
    """The pinned image exists: a digest of zeros stands for a release to come."""
    seen: dict[str, tuple[str, str]] = {}
    for folder, rendered in tree.rendered.items():
        for owner, container in _containers(rendered):
            seen.setdefault(container.image, (folder, owner))
    for image, (folder, owner) in seen.items():
        if image.endswith(_UNRELEASED):
            fix = "release the image; its digest goes into base/kustomization.yaml"
            yield Breach(owner, f"runs {image}", fix, folder)


def _containers(rendered: Rendered) -> Iterator[tuple[str, Container]]:
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for pod in predictor.pods:
                for container in (*pod.init_containers, *pod.containers):
                    yield deployment.title, container
