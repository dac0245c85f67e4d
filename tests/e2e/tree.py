"""A copy of the manifests, rendered for the namespace of a run: by kustomize, through an overlay over each overlay."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gitops.check.policies.models import fetched
from gitops.image import NAME, UNRELEASED
from gitops.kustomize import build
from gitops.local.overlay import Overlay, load
from gitops.pin import BASE
from gitops.scalar import set_scalars
from tests.e2e.errors import E2eError

LOCK = "requirements.lock"


@dataclass(frozen=True)
class Rendered:
    """An overlay as it is applied: the typed view, and all objects."""

    overlay: Overlay
    objects: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.overlay.deployment.name

    @property
    def service(self) -> str:
        """The name of the Service that answers outside."""
        return f"{self.name}-{self.overlay.predictor.name}"

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The smoke test: Argo CD applies it after the others, when they are healthy."""
        return [entry for entry in self.objects if entry["kind"] == "Job"]

    @property
    def applied_first(self) -> list[dict[str, Any]]:
        return [entry for entry in self.objects if entry["kind"] != "Job"]

    @property
    def models(self) -> list[tuple[str, str]]:
        """URI and digest of the models that its pods fetch."""
        containers = [entry for pod in self.overlay.predictor.pods for entry in pod.init_containers]
        return [pinned for pinned in map(fetched, containers) if pinned[0]]


@dataclass(frozen=True)
class Tree:
    """A copy of base/, components/ and overlays/ in ``root``, for the namespace ``namespace``.

    ``index`` is the package index of the pods, empty where it is the image's own.
    """

    root: Path
    namespace: str
    index: str = ""

    @classmethod
    def copy(cls, origin: Path, root: Path, namespace: str, index: str = "") -> Tree:
        """Copy the manifests of the repository ``origin``, as they are in its work tree."""
        for name in ("base", "components", "overlays"):
            shutil.copytree(origin / name, root / name)
        return cls(root, namespace, index)

    @property
    def image(self) -> str:
        """The image that is pinned, as pods name it.

        Raises:
            E2eError: none is released yet.
        """
        (entry,) = [entry for entry in self._base()["images"] if entry["name"] == NAME]
        if entry.get("digest") == UNRELEASED:
            raise E2eError(f"{BASE} pins no released image yet: set IMAGE to one that the cluster can pull")
        name = entry.get("newName", NAME)
        return f"{name}@{entry['digest']}" if "digest" in entry else f"{name}:{entry['newTag']}"

    def use_image(self, reference: str) -> None:
        """Pin another image, in the one place where a release does."""
        content = self._base()
        name, at, digest = reference.partition("@")
        if at:
            entry = {"name": NAME, "newName": name, "digest": digest}
        else:
            name, _, tag = reference.rpartition(":")
            entry = {"name": NAME, "newName": name, "newTag": tag}
        content["images"] = [*(other for other in content["images"] if other["name"] != NAME), entry]
        (self.root / BASE).write_text(yaml.safe_dump(content))

    def use_model(self, overlay: str, uri: str, digest: str) -> None:
        """Pin another model in an overlay's node.yaml, as a promotion does."""
        file = self.root / "overlays" / overlay / "node.yaml"
        values = {"modelUri": uri, "modelDigest": digest}
        file.write_text(set_scalars(file.read_text(), ("spec",), values, origin=str(file)))

    def use_lock(self, overlay: str, comment: str) -> None:
        """Add a comment to an overlay's lock: another hash of the same packages.

        Raises:
            E2eError: the overlay has none.
        """
        file = self.root / "overlays" / overlay / LOCK
        if not file.is_file():
            raise E2eError(
                f"overlays/{overlay} has no {LOCK} to change: set NEXT_IMAGE to another image by digest"
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
            *_patches(
                "SeldonDeployment",
                [*_replicas(found, replicas), *_index(found, self.index)],
                found.deployment.name,
            ),
            *(
                patch
                for entry in build(folder)
                if entry["kind"] == "HTTPRoute"
                for patch in _patches("HTTPRoute", _route(entry, self.namespace), entry["metadata"]["name"])
            ),
        ]
        file.write_text(yaml.safe_dump(content))
        return Rendered(load(folder), build(folder))

    def _base(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.root / BASE).read_text()))


def _patches(kind: str, operations: Iterable[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    listed = list(operations)
    if listed:
        yield {"target": {"kind": kind, "name": name}, "patch": yaml.safe_dump(listed)}


def _replicas(overlay: Overlay, replicas: int) -> Iterator[dict[str, Any]]:
    """Yield what gives the predictor ``replicas``, and takes away what would count more."""
    for i, pod in enumerate(overlay.predictor.raw["componentSpecs"] if replicas else ()):
        for key in ("hpaSpec", "kedaSpec", "replicas"):
            if key in pod:
                yield {"op": "remove", "path": f"/spec/predictors/0/componentSpecs/{i}/{key}"}
    if replicas:
        yield {"op": "add", "path": "/spec/predictors/0/replicas", "value": replicas}


def _index(overlay: Overlay, url: str) -> Iterator[dict[str, Any]]:
    """Yield what gives the containers that install packages another index."""
    for i, pod in enumerate(overlay.predictor.pods if url else ()):
        for j, container in enumerate(pod.init_containers):
            if container.args[:1] == ("environment",):
                path = f"/spec/predictors/0/componentSpecs/{i}/spec/initContainers/{j}"
                yield {"op": "test", "path": f"{path}/name", "value": container.name}
                value = {"name": "UV_DEFAULT_INDEX", "value": url}
                yield {"op": "add", "path": f"{path}/env/-", "value": value}


def _route(route: Mapping[str, Any], namespace: str) -> Iterator[dict[str, Any]]:
    """Yield what leads a route's addresses (/seldon/NAMESPACE/…) to this namespace, away from those that are in use."""
    for i, rule in enumerate(route["spec"].get("rules", ())):
        for j, match in enumerate(rule.get("matches", ())):
            value = match.get("path", {}).get("value", "")
            parts = value.split("/")
            if parts[:2] == ["", "seldon"] and len(parts) > 3:
                path = f"/spec/rules/{i}/matches/{j}/path/value"
                yield {"op": "test", "path": path, "value": value}
                yield {
                    "op": "replace",
                    "path": path,
                    "value": "/".join(["", "seldon", namespace, *parts[3:]]),
                }
