"""What a kustomization renders: its objects, its SeldonDeployments, and every workload with its pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from gitops.errors import BadManifest, BuildFailed
from gitops.manifests.graphnode import FILE, GraphNode, read_node
from gitops.manifests.kustomize import build
from gitops.manifests.pod import Container, Pod, read_pod
from gitops.manifests.seldondeployment import SeldonDeployment, seldon_deployments, title
from gitops.manifests.unstructured import Unstructured

# Where each kind keeps its PodSpec: https://kubernetes.io/docs/concepts/workloads/
_TEMPLATES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("v1", "Pod"): ("spec",),
    ("v1", "ReplicationController"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
_ENDING = ("Job", "CronJob")


@dataclass(frozen=True)
class Workload:
    """A pod and its owner. ``ends``: it runs to completion, as a Job's does."""

    title: str
    namespace: str
    pod: Pod
    ends: bool

    @property
    def containers(self) -> Iterator[Container]:
        """The init containers, then the containers."""
        yield from self.pod.init_containers
        yield from self.pod.containers


def workloads(
    objects: Iterable[Mapping[str, Any]], deployments: Iterable[SeldonDeployment]
) -> Iterator[Workload]:
    """Yield the pods of ``deployments``, then those of the other rendered ``objects``.

    Raises:
        BadManifest: a pod has a shape that Kubernetes does not allow.
    """
    for deployment in deployments:
        for predictor in deployment.predictors:
            for pod in predictor.pods:
                yield Workload(deployment.title, deployment.namespace, pod, ends=False)
    for entry in objects:
        kind = str(entry.get("kind"))
        path = _TEMPLATES.get((str(entry.get("apiVersion")).partition("/")[0], kind))
        if path is not None:
            part = Unstructured(title(entry), "", entry)
            namespace = part.part("metadata").text("namespace", "")
            for key in path:
                part = part.part(key)
            yield Workload(title(entry), namespace, read_pod(part), ends=kind in _ENDING)


OVERLAYS = "overlays"
# Builds, but stands for nothing by itself: it holds the placeholders that the overlays fill.
BASE = "base"


@dataclass(frozen=True)
class Rendered:
    """The objects that a kustomization renders. ``node`` is its node.yaml, None without one."""

    folder: str
    node: GraphNode | None
    objects: tuple[Mapping[str, Any], ...]
    deployments: tuple[SeldonDeployment, ...]
    workloads: tuple[Workload, ...]

    @property
    def overlay(self) -> str:
        """The name of the overlay, empty for a kustomization elsewhere."""
        parent, _, name = self.folder.rpartition("/")
        return name if parent == OVERLAYS else ""


RenderResult: TypeAlias = Rendered | BuildFailed | BadManifest


def render(root: Path, folder: str) -> RenderResult:
    """Return what the kustomization in ``folder`` below ``root`` renders, or why it does not.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    try:
        node = read_node(root / folder)
    except (BuildFailed, BadManifest) as error:
        return error
    return render_at(folder, node, root / folder)


def render_at(folder: str, node: GraphNode | None, place: Path) -> RenderResult:
    """Return what the kustomization in ``place`` renders, reported as ``folder`` with ``node``, or why it does not build."""
    try:
        return from_objects(folder, node, build(place))
    except (BuildFailed, BadManifest) as error:
        return error


def from_objects(folder: str, node: GraphNode | None, objects: Sequence[Mapping[str, Any]]) -> Rendered:
    """Return the view of what ``folder`` renders.

    Raises:
        BadManifest: an object has a shape that its kind does not allow.
    """
    deployments = tuple(seldon_deployments(objects))
    return Rendered(folder, node, tuple(objects), deployments, tuple(workloads(objects, deployments)))


def node_files(root: Path) -> list[Path]:
    """Return the node.yaml of every overlay below ``root`` that has one, sorted by the overlay's name."""
    return sorted((root / OVERLAYS).glob(f"*/{FILE}"))
