"""An overlay's node.yaml: the table of what differs between deployments of a single node.

It is an object of the kind GraphNode, never rendered, from which base/node fills the SeldonDeployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest
from gitops.kustomize import parse
from gitops.shape import Part
from gitops.sources import read_text

FILE = "node.yaml"
KIND = "GraphNode"


@dataclass(frozen=True)
class GraphNode:
    """What a node.yaml says. ``name`` is its metadata.name, ``raw`` all that was written there.

    ``model_from`` is what the model was promoted from, empty where that is not said.
    """

    name: str
    deployment: str
    node: str
    type: str
    model_uri: str
    model_digest: str
    model_from: str
    xtype: str
    raw: Mapping[str, Any]

    @property
    def title(self) -> str:
        """How messages name it: kind and name."""
        return f"{KIND} {self.name}"


def read_node(folder: Path) -> GraphNode | None:
    """Return what ``folder``/node.yaml says, or None where there is no such file.

    Raises:
        BadManifest: it is not one GraphNode with all its fields.
        BuildFailed: it is no YAML.
    """
    file = folder / FILE
    there = file.is_file() or file.is_symlink()
    return node_of(read_text(file), origin=str(file)) if there else None


def node_of(text: str, *, origin: str) -> GraphNode:
    """Return what the text of a node.yaml says.

    Raises:
        BadManifest, BuildFailed: as of ``read_node``; the message starts with ``origin``.
    """
    documents = parse(text, origin=origin)
    if [document.get("kind") for document in documents] != [KIND]:
        raise BadManifest(f"{origin}: must hold one object of the kind {KIND}")
    name = Part(origin, "", documents[0]).part("metadata").text("name")
    spec = Part(f"{KIND} {name}", "", documents[0]).part("spec")
    return GraphNode(
        name=name,
        deployment=spec.text("deployment"),
        node=spec.text("node"),
        type=spec.text("type"),
        model_uri=spec.text("modelUri"),
        model_digest=spec.text("modelDigest"),
        model_from=spec.text("modelFrom", ""),
        xtype=spec.text("xtype"),
        raw=documents[0],
    )
