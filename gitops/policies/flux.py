"""The policy about Flux's Kustomizations; it finds nothing in a tree with the folder argocd/, or without flux/."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.manifests.applications import deployed
from gitops.manifests.flux import FOLDER, applied_folders
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy


@policy
def flux_coverage(tree: Tree) -> Iterator[Violation]:
    """Without Argo CD a Kustomization of Flux applies each overlay with a node.yaml, and what makes Secrets: what none applies runs nowhere."""
    found = applied_folders(tree)
    if found is None:
        return
    for folder, rendered in deployed(tree):
        if folder not in found:
            yield Violation(
                f"overlay {rendered.overlay}" if rendered.overlay else f"folder {folder}",
                "no Kustomization of Flux has it as its spec.path",
                f"add one with the path ./{folder} to {FOLDER}/, or remove {FOLDER}/ if nothing but you applies this",
                folder,
            )
    for folder, name in found.items():
        if folder not in tree.rendered:
            yield Violation(
                f"Kustomization {name}",
                f"spec.path is ./{folder}, where nothing builds",
                "correct the path, or remove it",
                FOLDER,
            )
