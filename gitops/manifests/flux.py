"""The folders that Flux's Kustomizations in flux/ apply, in a repository without argocd/: it has one or the other.

Source: https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

from __future__ import annotations

from pathlib import PurePosixPath

from gitops.manifests import applications
from gitops.manifests.tree import Tree

FOLDER = "flux"
_GROUP = "kustomize.toolkit.fluxcd.io"


def applied_folders(tree: Tree) -> dict[str, str] | None:
    """Return each folder that a Kustomization of Flux applies, and the name of that.

    None where the tree has argocd/ or no flux/, or does not build.
    """
    if (tree.root / applications.FOLDER).is_dir() or not (tree.root / FOLDER).is_dir() or not tree.complete:
        return None
    return {
        PurePosixPath(entry["spec"].get("path") or ".").as_posix(): entry["metadata"]["name"]
        for folder, rendered in tree.rendered.items()
        if folder == FOLDER or folder.startswith(f"{FOLDER}/")
        for entry in rendered.objects
        if entry.get("kind") == "Kustomization" and str(entry.get("apiVersion")).startswith(f"{_GROUP}/")
    }
