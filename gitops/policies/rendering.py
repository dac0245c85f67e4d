"""Policies about what comes out of a build at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from gitops.errors import BadManifest, BuildFailed
from gitops.manifests.applications import CLUSTER_WIDE
from gitops.manifests.documents import documents, is_pointer, read_text
from gitops.manifests.graphnode import FILE
from gitops.manifests.rendered import BASE, OVERLAYS, Rendered
from gitops.manifests.seldondeployment import KIND, title
from gitops.manifests.site import FOLDER
from gitops.manifests.tree import Tree, submodules
from gitops.policies.policy import Violation, policy

_DEPTH = 3
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
# Of kustomize, about the source of a replacement.
_NOT_SELECTED = re.compile(rf"nothing selected by {KIND}\S*?/([a-z0-9-]+)")
_PLACEHOLDER = re.compile(r"<[a-z][A-Za-z]*>")


@policy
def placeholder(tree: Tree) -> Iterator[Violation]:
    """No placeholder of the base is left: kustomize is silent where it fills nothing."""
    known = _placeholders(tree)
    for folder, rendered in tree.rendered.items():
        if folder == BASE:
            continue
        for entry in rendered.objects:
            # What a generator takes from a file is no field that a replacement fills.
            data = str(entry.get("kind")) == "ConfigMap"
            for path, text in _strings(entry, ""):
                if data and path.startswith("data.") and "\n" in text:
                    continue
                for found in _PLACEHOLDER.findall(text):
                    if found in known:
                        yield Violation(
                            title(entry),
                            f"{path} is {text!r}",
                            f"use the component base/node and a node.yaml, and let a replacement fill {found} at this path",
                            folder,
                        )


def _placeholders(tree: Tree) -> set[str]:
    """Return the placeholders that stand in what overlays are made of; elsewhere such a word means something else."""
    return {
        found
        for folder in tree.kustomizations
        if not folder.startswith(f"{OVERLAYS}/")
        for file in sorted((tree.root / folder).glob("*.yaml"))
        for _, text in _strings(_content(file), "")
        for found in _PLACEHOLDER.findall(text)
    }


def _content(file: Path) -> list[Any]:
    try:
        return documents(read_text(file), str(file))
    except BuildFailed:
        return []  # The build says what is wrong with it.


@policy
def one_deployment(rendered: Rendered) -> Iterator[Violation]:
    """An overlay renders one SeldonDeployment: it is one Application."""
    names = [deployment.name for deployment in rendered.deployments]
    if rendered.overlay and len(names) != 1:
        yield Violation(
            f"overlay {rendered.overlay}",
            f"renders {len(names)} SeldonDeployments{': ' if names else ''}{', '.join(names)}",
            "keep one, and mark those that are only sources of replacements with the annotation "
            'config.kubernetes.io/local-config: "true"',
        )


@policy
def namespace(rendered: Rendered) -> Iterator[Violation]:
    """An object names its namespace: it must not depend on who applies it."""
    for entry in rendered.objects:
        if entry.get("kind") not in CLUSTER_WIDE and "namespace" not in entry["metadata"]:
            yield Violation(
                title(entry),
                "has no metadata.namespace",
                f"add ../../{FOLDER} to the components of the kustomization.yaml that it is listed in",
            )


@policy
def build(tree: Tree) -> Iterator[Violation]:
    """Every kustomization builds: Argo CD renders it in the same way."""
    yield from _failed(tree, BuildFailed, "correct what it names")


@policy
def shape(tree: Tree) -> Iterator[Violation]:
    """Every object has the shape of its kind: the API server refuses any other."""
    yield from _failed(tree, BadManifest, "correct the value at this path")


def _failed(tree: Tree, kind: type[Exception], fix: str) -> Iterator[Violation]:
    """Yield what fails by its own fault, with what is made of it."""
    causes = tree.causes()
    for folder, error in tree.failures.items():
        if isinstance(error, kind) and folder not in causes:
            made = [other for other, cause in causes.items() if cause == folder]
            also = f"; {', '.join(made)} {'is' if len(made) == 1 else 'are'} made of it" if made else ""
            yield Violation(
                "kustomization", tree.words(error), f"{_renamed(tree, folder, error) or fix}{also}", folder
            )


def _renamed(tree: Tree, folder: str, error: Exception) -> str:
    """Return the fix of a graph that names a deployment which none of its nodes' overlays has; empty for another fault."""
    found = _NOT_SELECTED.search(str(error))
    entry = tree.kustomizations.get(folder)
    nodes = {
        resource: tree.rendered[resource].node
        for resource in (entry.resources if entry else ())
        if resource in tree.rendered
    }
    names = [f"{resource} deploys as {node.deployment}" for resource, node in nodes.items() if node]
    if found is None or not names:
        return ""
    return (
        f"it names deployments of the overlays that it is composed of, and none of them is {found[1]}: {', '.join(names)}; "
        f"write the name that it has now wherever {folder} has {found[1]}, or change spec.deployment in its node.yaml back"
    )


@policy
def overlay(tree: Tree) -> Iterator[Violation]:
    """A folder of overlays/ is a kustomization: what does not build is not checked."""
    overlays = tree.root / OVERLAYS
    for entry in sorted(overlays.iterdir()) if overlays.is_dir() else ():
        folder = f"{OVERLAYS}/{entry.name}"
        if entry.is_dir() and not entry.name.startswith(".") and folder not in tree.kustomizations:
            yield Violation(
                f"overlay {entry.name}", "has no kustomization.yaml", "add one or remove the folder", folder
            )


@policy
def lfs_pointer(tree: Tree) -> Iterator[Violation]:
    """A file is in git itself: where Git LFS keeps it elsewhere, Argo CD renders the pointer to it."""
    for folder in tree.kustomizations:
        for file in sorted((tree.root / folder).iterdir()):
            if file.is_file() and is_pointer(file):
                name = file.relative_to(tree.root).as_posix()
                yield Violation(
                    name,
                    "is a pointer of Git LFS and not the file",
                    f"remove it from .gitattributes, and add the file again: `git add --renormalize {name}`",
                    folder,
                )


@policy
def node_place(tree: Tree) -> Iterator[Violation]:
    """A node.yaml lies right below a folder of overlays/: Argo CD makes an Application of it wherever its pattern matches."""
    for top in sorted(
        {OVERLAYS, *(PurePath(folder).parts[0] for folder in tree.kustomizations if folder != ".")}
    ):
        for file in sorted((tree.root / top).rglob(FILE)):
            path = file.relative_to(tree.root)
            if (
                len(path.parts) != _DEPTH
                or path.parts[0] != OVERLAYS
                or not _NAME.fullmatch(path.parent.name)
            ):
                yield Violation(
                    path.as_posix(),
                    f"must be {OVERLAYS}/<name>/{FILE}, with a name of a-z, 0-9 and -: a star of the "
                    "ApplicationSet's pattern goes across folders, and hidden ones",
                    "move the folder there, or remove it",
                    path.parent.as_posix(),
                )


@policy
def submodule(tree: Tree) -> Iterator[Violation]:
    """What is rendered lies in this repository: what a submodule brings changes without a review here."""
    for path in submodules(tree.root):
        top = PurePath(path).parts[0]
        if any(PurePath(folder).parts[:1] == (top,) for folder in tree.kustomizations):
            yield Violation(
                path, "is a submodule of git", "commit the files themselves: `git rm` it, and add a copy", top
            )


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every string in a rendered object with its path, keys included."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _strings(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _strings(entry, f"{path}[{index}]")
