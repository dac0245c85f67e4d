"""An overlay of one node, and the files of it that a promotion writes; the overlays that a graph is composed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops.errors import BadArgument
from gitops.files import set_scalars
from gitops.manifests import contract, graphnode
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.kustomization import kustomizations
from gitops.manifests.rendered import OVERLAYS, node_files
from server.environment import requirements_lock
from server.pins import expectation


@dataclass(frozen=True)
class Overlay:
    """An overlay of one node: its ``folder`` relative to the tree, its node.yaml as text and as what it says."""

    folder: str
    text: str
    node: GraphNode

    def files(self, text: str, described: str, locked: str, expected: str) -> dict[str, str]:
        """Return the texts of the overlay's files by their paths."""
        texts = {
            graphnode.FILE: text,
            contract.FILE: described,
            requirements_lock.FILE: locked,
            expectation.FILE: expected,
        }
        return {f"{self.folder}/{name}": content for name, content in texts.items()}

    def pinning(self, uri: str, digest: str, origin: str) -> str:
        """Return node.yaml with the model ``uri``, ``digest`` and what it was promoted from in it.

        Raises:
            BadManifest: its layout does not have a line for each field.
        """
        values = {"modelUri": uri, "modelDigest": digest, "modelFrom": origin}
        return set_scalars(self.text, ("spec",), values, origin=f"{self.folder}/{graphnode.FILE}")


def find(root: Path, name: str) -> Overlay:
    """Return the overlay ``name`` of the tree below ``root``.

    Raises:
        BadArgument: there is no overlay of one node with this name.
        BadManifest: its node.yaml does not say what a node is.
    """
    known = [file.parent.name for file in node_files(root)]
    listed = ", ".join(known) or "none"
    if not name:
        raise BadArgument(
            f"OVERLAY is empty: name a folder of overlays/, as in OVERLAY=churn; there are {listed}"
        )
    if name not in known:
        why = (
            "has no node.yaml, so promote into the overlays of its nodes"
            if (root / OVERLAYS / name).is_dir()
            else "is not there"
        )
        raise BadArgument(
            f"overlay {name!r}: {why}; there are {listed}, and `make new-overlay NAME=…` adds one"
        )
    found = read_node(root / OVERLAYS / name)
    if found is None:
        raise BadArgument(f"overlay {name!r}: its node.yaml is gone")
    return Overlay(
        f"{OVERLAYS}/{name}", (root / OVERLAYS / name / graphnode.FILE).read_text(encoding="utf-8"), found
    )


def composed(root: Path) -> Mapping[str, frozenset[str]]:
    """Return the graphs of the tree ``root`` that have an expected.json: the overlays that each is composed of, by its folder."""
    return {
        entry.folder: frozenset(name.removeprefix(f"{OVERLAYS}/") for name in entry.resources)
        for entry in kustomizations(root)
        if entry.folder.startswith(f"{OVERLAYS}/")
        and not (root / entry.folder / graphnode.FILE).exists()
        and (root / entry.folder / expectation.FILE).is_file()
    }
