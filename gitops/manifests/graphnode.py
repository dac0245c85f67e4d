"""An overlay's node.yaml: an object of the kind GraphNode, never rendered, from which base/node fills the SeldonDeployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest
from gitops.manifests.documents import parse_objects, read_text
from gitops.manifests.pod import Container
from gitops.manifests.unstructured import Unstructured

INITIALIZER = "initializer"
ENVIRONMENT = "environment"
_IMMUTABLE = re.compile(r"models:/(.+/\d+|m-[0-9a-f]+)")


def fetch_arguments(container: Container) -> tuple[str, str]:
    """Return source and digest of ``fetch SOURCE DEST --digest DIGEST``, empty where they are missing."""
    args = container.args
    source = args[1] if args[:1] == ("fetch",) and len(args) > 1 else ""
    digest = args[args.index("--digest") + 1] if "--digest" in args[:-1] else ""
    return source, digest


def is_immutable(uri: str) -> bool:
    """Whether a models:/ URI names a version or a logged model, and no alias or stage."""
    return _IMMUTABLE.fullmatch(uri) is not None


FILE = "node.yaml"
KIND = "GraphNode"


@dataclass(frozen=True)
class GraphNode:
    """A node.yaml. ``name`` is its metadata.name, ``raw`` the parsed document.

    ``model_from`` is what the model was promoted from, empty where it is not recorded.
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
    """Read ``folder``/node.yaml; None where there is no such file.

    Raises:
        BadManifest: it is not one GraphNode with all its fields.
        BuildFailed: it is not YAML.
    """
    file = folder / FILE
    there = file.is_file() or file.is_symlink()
    return parse_node(read_text(file), origin=str(file)) if there else None


def parse_node(text: str, *, origin: str) -> GraphNode:
    """Parse the text of a node.yaml.

    Raises:
        BadManifest, BuildFailed: as of ``read_node``; the message starts with ``origin``.
    """
    documents = parse_objects(text, origin=origin)
    if [document.get("kind") for document in documents] != [KIND]:
        raise BadManifest(f"{origin}: must hold one object of the kind {KIND}")
    name = Unstructured(origin, "", documents[0]).part("metadata").text("name")
    spec = Unstructured(f"{KIND} {name}", "", documents[0]).part("spec")
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


_ALIAS = re.compile(r"models:/[^/@]+@[^/@]+/?")


def is_alias(model: str) -> bool:
    """Whether ``model`` is the alias of a registered model, as in models:/name@champion."""
    return _ALIAS.fullmatch(model) is not None
