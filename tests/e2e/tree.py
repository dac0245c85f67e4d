"""A copy of the manifests, rendered for the namespace of a run: by kustomize, through an overlay over each overlay."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gitops.files import set_scalars
from gitops.local.demo import read_expected as read_expectation
from gitops.local.overlay import load
from gitops.manifests import site
from gitops.manifests.graphnode import FILE as NODE
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.image import BASE_KUSTOMIZATION, NAME, UNRELEASED
from gitops.manifests.kustomize import build
from server.environment import requirements_lock
from tests.e2e import patches
from tests.e2e.errors import E2eError
from tests.e2e.rendered import Rendered


@dataclass(frozen=True)
class Tree:
    """A copy of base/, components/, overlays/ and site/ in ``root``, for the namespace ``namespace``.

    ``index`` is the package index of the pods, empty where it is the image's own.
    """

    root: Path
    namespace: str
    index: str = ""

    @classmethod
    def copy(cls, origin: Path, root: Path, namespace: str, index: str = "") -> Tree:
        """Copy the manifests of the folder ``origin``, such as a repository's work tree."""
        for name in ("base", "components", "overlays", "site"):
            if (origin / name).is_dir():
                shutil.copytree(origin / name, root / name)
        return cls(root, namespace, index)

    @property
    def image(self) -> str:
        """The image that is pinned, as pods name it.

        Raises:
            E2eError: none is released yet.
        """
        digests = [entry["digest"] for entry in self._base()["images"] if entry["name"] == NAME]
        if UNRELEASED in digests:
            raise E2eError(
                f"{BASE_KUSTOMIZATION} pins no released image yet: set IMAGE to one that the cluster can pull"
            )
        name = yaml.safe_load((self.root / site.FILE).read_text())["spec"]["image"]
        return "@".join([name, *digests])

    def nodes(self) -> Iterator[tuple[str, GraphNode]]:
        """Yield the overlays of a single node, by their names, with their tables.

        Raises:
            BadManifest, BuildFailed: one has none that can be read.
        """
        for file in sorted((self.root / "overlays").glob(f"*/{NODE}")):
            found = read_node(file.parent)
            if found is not None:
                yield file.parent.name, found

    def use_image(self, reference: str) -> None:
        """Pin another image, by digest or by tag, in the places that say which one runs."""
        content = self._base()
        name, _, digest = reference.partition("@")
        content["images"] = [other for other in content["images"] if other["name"] != NAME]
        if digest:
            content["images"].append({"name": NAME, "digest": digest})
        (self.root / BASE_KUSTOMIZATION).write_text(yaml.safe_dump(content))
        file = self.root / site.FILE
        file.write_text(site.edited(file.read_text(), {("image",): name}))

    def use_model(self, overlay: str, uri: str, digest: str) -> None:
        """Pin another model of the same requirements in an overlay's node.yaml, as a promotion does.

        Raises:
            BadManifest, ServerError: the overlay's files are not such as a promotion writes.
        """
        folder = self.root / "overlays" / overlay
        node = folder / "node.yaml"
        values = {"modelUri": uri, "modelDigest": digest}
        node.write_text(set_scalars(node.read_text(), ("spec",), values, origin=str(node)))
        file = folder / requirements_lock.FILE
        if file.is_file():
            locked = requirements_lock.read(file)
            covers = list(locked.pythons), list(locked.platforms), list(locked.left_out)
            lines = file.read_text().splitlines(keepends=True)
            requirements = "".join(line for line in lines if not line.startswith("# "))
            pythons, platforms, left_out = covers
            file.write_text(requirements_lock.render(digest, pythons, platforms, requirements, left_out))

    def use_lock(self, overlay: str, comment: str) -> None:
        """Add a comment to an overlay's lock: another hash of the same packages.

        Raises:
            E2eError: the overlay has none.
        """
        file = self.root / "overlays" / overlay / requirements_lock.FILE
        if not file.is_file():
            raise E2eError(
                f"overlays/{overlay} has no {requirements_lock.FILE} to change: set NEXT_IMAGE to another image by digest"
            )
        file.write_text(f"{file.read_text()}# {comment}\n")

    def render(self, overlay: str, *, replicas: int = 0) -> Rendered:
        """Return what an overlay renders in this namespace, with ``replicas`` if not 0.

        Raises:
            BuildFailed, BadManifest, NotRunnable: it is wrong, or no single predictor.
        """
        folder = self.root / "e2e" / overlay
        folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": self.namespace,
            "resources": [f"../../overlays/{overlay}"],
        }
        file = folder / "kustomization.yaml"
        file.write_text(yaml.safe_dump(content))
        found = load(folder)
        content["patches"] = [
            # By name: what a graph is composed of is in the build too.
            *patches.of(
                "SeldonDeployment",
                [*patches.replicas(found, replicas), *patches.index(found, self.index)],
                found.deployment.name,
            ),
            *(
                patch
                for entry in build(folder)
                if entry["kind"] == "HTTPRoute"
                for patch in patches.of(
                    "HTTPRoute", patches.route(entry, self.namespace), entry["metadata"]["name"]
                )
            ),
        ]
        file.write_text(yaml.safe_dump(content))
        expected = read_expectation(self.root / "overlays" / overlay)
        return Rendered(load(folder), build(folder), expected)

    def _base(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.root / BASE_KUSTOMIZATION).read_text()))
