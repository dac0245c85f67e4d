"""What a kustomization renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from gitops.check.workloads import Workload, workloads
from gitops.errors import BadManifest, BuildFailed
from gitops.kustomize import build
from gitops.manifests import SeldonDeployment, seldon_deployments
from gitops.node import GraphNode, read_node

OVERLAYS = "overlays"
# Builds, but stands for nothing by itself: it holds the placeholders that the overlays fill.
BASE = "base"


@dataclass(frozen=True)
class Rendered:
    """What a kustomization renders. ``node`` is its node.yaml, None where there is none."""

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


Outcome: TypeAlias = Rendered | BuildFailed | BadManifest


def render(root: Path, folder: str) -> Outcome:
    """Return what the kustomization in ``folder`` below ``root`` renders, or why it does not.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    try:
        node = read_node(root / folder)
    except (BuildFailed, BadManifest) as error:
        return error
    return outcome(folder, node, root / folder)


def outcome(folder: str, node: GraphNode | None, place: Path) -> Outcome:
    """Return what the kustomization in ``place`` renders, told as that of ``folder`` with ``node``, or why it does not."""
    try:
        return view(folder, node, build(place))
    except (BuildFailed, BadManifest) as error:
        return error


def view(folder: str, node: GraphNode | None, objects: Sequence[Mapping[str, Any]]) -> Rendered:
    """Return the view of what ``folder`` renders.

    Raises:
        BadManifest: an object has a shape that its kind does not allow.
    """
    deployments = tuple(seldon_deployments(objects))
    return Rendered(folder, node, tuple(objects), deployments, tuple(workloads(objects, deployments)))
