"""Policies about images."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops.manifests import image
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.seldondeployment import Predictor
from gitops.manifests.tree import Tree
from gitops.policies.graph import BUILT_IN
from gitops.policies.policy import Violation, policy, warning

_PINNED = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_FIX = "name it by digest, as in name@sha256:…; the project's own image is set under images in base/kustomization.yaml"


@policy
def image_digest(rendered: Rendered) -> Iterator[Violation]:
    """An image is named by its digest: every pod runs the bytes that were reviewed."""
    for workload in rendered.workloads:
        for container in workload.containers:
            if not _PINNED.fullmatch(container.image):
                yield Violation(workload.title, f"{container.path}.image is {container.image!r}", _FIX)
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for message in _seldons_own(predictor):
                yield Violation(deployment.title, message, _FIX)


@policy
def operator_image(rendered: Rendered) -> Iterator[Violation]:
    """A node runs a container of the manifest: the image of a prepackaged server is chosen by the operator."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            names = [container.name for container in predictor.containers]
            for node in predictor.graph.walk():
                if node.implemented and node.implementation not in BUILT_IN and node.name not in names:
                    yield Violation(
                        deployment.title,
                        f"{node.path}.implementation is {node.implementation!r}",
                        "remove it, and let the project's image serve the model",
                    )


@warning
def image_released(tree: Tree) -> Iterator[Violation]:
    """The pinned image exists: a digest of zeros stands for a release to come."""
    seen: dict[str, tuple[str, str]] = {}
    for folder, rendered in tree.rendered.items():
        # Site gives the base's image its whole name in the overlays.
        for workload in rendered.workloads if folder != BASE else ():
            for container in workload.containers:
                seen.setdefault(container.image, (folder, workload.title))
    for reference, (folder, owner) in seen.items():
        if image.digest(reference) == image.UNRELEASED:
            fix = "release the image; its digest goes into base/kustomization.yaml"
            yield Violation(owner, f"runs {reference}", fix, folder)


# What argocd/ needs: names in clusterResourceWhitelist are of 3.3 (docs/install.md).
_ARGO_CD_LEAST = (3, 3)
_ARGO_CD = re.compile(r"(?:^|/)argocd:v(\d+)\.(\d+)")


@policy
def argocd_version(tree: Tree) -> Iterator[Violation]:
    """An Argo CD that this repository installs is 3.3 or newer: an older one drops fields of argocd/ without a word."""
    for folder, rendered in tree.rendered.items():
        for workload in rendered.workloads:
            for container in workload.containers:
                found = _ARGO_CD.search(container.image)
                if found and (int(found[1]), int(found[2])) < _ARGO_CD_LEAST:
                    yield Violation(
                        workload.title,
                        f"{container.path}.image is {container.image}: must be of {'.'.join(map(str, _ARGO_CD_LEAST))} or newer",
                        "install a newer one (docs/install.md)",
                        folder,
                    )


def _seldons_own(predictor: Predictor) -> Iterator[str]:
    """Yield a message for each unpinned image outside of pods, from which Seldon makes containers."""
    given = [
        (f"{node.path}.storageInitializerImage", node.raw.get("storageInitializerImage"))
        for node in predictor.graph.walk()
    ]
    explainer = predictor.raw.get("explainer")
    if explainer:
        path = f"{predictor.path}.explainer"
        given += [
            (f"{path}.containerSpec.image", (explainer.get("containerSpec") or {}).get("image", "")),
            (f"{path}.storageInitializerImage", explainer.get("storageInitializerImage")),
        ]
    for path, named in given:
        if named is not None and not _PINNED.fullmatch(named):
            yield f"{path} is {named!r}"
