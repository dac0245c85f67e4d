"""Policies about skew: the server and the manifests change in one repository, and its image is released later."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.check.asked import Judge
from gitops.check.policy import Breach, policy
from gitops.errors import BadManifest
from gitops.manifests import image
from gitops.manifests import image_interface as interface
from gitops.manifests.image_interface import Interface
from gitops.manifests.pod import Container
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.tree import Tree

_SEALED = "SealedSecret"


@policy
def image_interface(tree: Tree) -> Iterator[Breach]:
    """A released image has its interface beside its digest: what it takes is judged without asking a registry."""
    try:
        pinned = interface.read(tree.root)
    except BadManifest as error:
        yield Breach(interface.FILE, str(error).removeprefix(f"{interface.FILE}: "), _fix("sha256:…"), BASE)
        return
    seen: dict[str, tuple[str, str]] = {}
    for folder, rendered in _judged(tree):
        for owner, container in _containers(rendered):
            seen.setdefault(image.digest(container.image), (folder, owner))
    for digest, (folder, owner) in seen.items():
        if digest != image.UNRELEASED and (pinned is None or pinned.image != digest):
            said = (
                f"{interface.FILE} is that of {pinned.image}" if pinned else f"there is no {interface.FILE}"
            )
            yield Breach(owner, f"runs the image {digest}, and {said}", _fix(digest), folder)


@policy
def skew(tree: Tree) -> Iterator[Breach]:
    """Manifests ask the pinned image only for what it has: what is new in the server is released before it is used."""
    try:
        pinned = interface.read(tree.root)
    except BadManifest:
        return  # image_interface says so.
    fix = "release the image that has it, then ask for it (docs/decisions/skew.md); or correct the name"
    own, keys = interface.own(), _sealed_keys(tree)
    for folder, rendered in _judged(tree):
        for owner, container in _containers(rendered):
            judge = _judge(container, pinned, own)
            for said in judge.container(container, keys) if judge else ():
                yield Breach(owner, said, fix, folder)
        for deployment in rendered.deployments:
            for predictor in deployment.predictors:
                nodes = {node.name: node for node in predictor.graph.walk()}
                for container in predictor.containers:
                    judge = (
                        _judge(container, pinned, own) if image.is_project_image(container.image) else None
                    )
                    if judge and container.name in nodes:
                        for said in judge.parameters(nodes[container.name]):
                            yield Breach(deployment.title, said, fix, folder)
                        for said in judge.annotations({**deployment.annotations, **predictor.annotations}):
                            yield Breach(deployment.title, said, fix, folder)


def _judge(container: Container, pinned: Interface | None, own: Interface) -> Judge | None:
    """Return who judges a container, None where the interface of its image is not known."""
    # Before the first release the image is what the tree would make.
    has = own if image.digest(container.image) == image.UNRELEASED else pinned
    return Judge(has, own) if has else None


def _fix(digest: str) -> str:
    return f"write it in the checkout that the image was built from: `make pin IMAGE_DIGEST={digest}`"


def _judged(tree: Tree) -> Iterator[tuple[str, Rendered]]:
    return ((folder, rendered) for folder, rendered in tree.rendered.items() if folder != BASE)


def _containers(rendered: Rendered) -> Iterator[tuple[str, Container]]:
    """Yield owner and container of all that run the project's image."""
    for workload in rendered.workloads:
        for container in workload.containers:
            if image.is_project_image(container.image):
                yield workload.title, container


def _sealed_keys(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Return the keys of each sealed secret by its name."""
    return {
        str(entry["metadata"]["name"]): tuple((entry.get("spec") or {}).get("encryptedData") or ())
        for rendered in tree.rendered.values()
        for entry in rendered.objects
        if entry.get("kind") == _SEALED
    }
