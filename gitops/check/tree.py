"""The kustomizations of a tree, and what each of them renders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from gitops.errors import BadManifest, BuildFailed
from gitops.kustomize import FILES, build, parse
from gitops.manifests import SeldonDeployment, seldon_deployments
from gitops.node import GraphNode, read_node

OVERLAYS = "overlays"
# Builds, but stands for nothing by itself: it holds the placeholders that the overlays fill.
BASE = "base"
# Fixtures there are broken on purpose.
_SKIPPED = {"tests"}


@dataclass(frozen=True)
class Kustomization:
    """A kustomization file: its ``folder`` and ``file`` relative to the tree, and what it says."""

    folder: str
    file: str
    raw: Mapping[str, Any]

    @property
    def is_component(self) -> bool:
        """Whether it is a Component, which builds only as a part of other kustomizations."""
        return self.raw.get("kind") == "Component"

    @property
    def components(self) -> tuple[str, ...]:
        """Folders, relative to the tree, of the components that it uses."""
        return tuple(
            PurePath(os.path.normpath(PurePath(self.folder, str(entry)))).as_posix()
            for entry in self.raw.get("components") or ()
        )


@dataclass(frozen=True)
class Rendered:
    """What a kustomization renders. ``node`` is its node.yaml, None where there is none."""

    folder: str
    node: GraphNode | None
    objects: tuple[Mapping[str, Any], ...]
    deployments: tuple[SeldonDeployment, ...]

    @property
    def overlay(self) -> str:
        """The name of the overlay, empty for a kustomization elsewhere."""
        parent, _, name = self.folder.rpartition("/")
        return name if parent == OVERLAYS else ""


@dataclass(frozen=True)
class Tree:
    """A tree of manifests: its kustomizations by folder, what those render that build, and why others do not.

    Components do not build alone, so they are in neither.
    """

    root: Path
    kustomizations: Mapping[str, Kustomization]
    rendered: Mapping[str, Rendered]
    failures: Mapping[str, BuildFailed | BadManifest]

    def users(self, component: str) -> list[str]:
        """Return the folders of the kustomizations that use the component in ``component``."""
        return [entry.folder for entry in self.kustomizations.values() if component in entry.components]


def load(root: Path) -> Tree:
    """Return the tree below ``root`` with every kustomization built; hidden folders are left out.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    found = {entry.folder: entry for entry in kustomizations(root)}
    rendered, failures = {}, {}
    whole = [folder for folder, entry in found.items() if not entry.is_component]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for folder, outcome in zip(whole, pool.map(lambda folder: render(root, folder), whole), strict=True):
            if isinstance(outcome, Rendered):
                rendered[folder] = outcome
            else:
                failures[folder] = outcome
    return Tree(root, found, rendered, failures)


def render(root: Path, folder: str) -> Rendered | BuildFailed | BadManifest:
    """Return what the kustomization in ``folder`` below ``root`` renders, or why it does not.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    try:
        node = read_node(root / folder)
        objects = tuple(build(root / folder))
        return Rendered(folder, node, objects, tuple(seldon_deployments(objects)))
    except (BuildFailed, BadManifest) as error:
        return error


def kustomizations(root: Path) -> Iterator[Kustomization]:
    """Yield the kustomizations below ``root``, components too; hidden folders and tests/ are left out."""
    for current, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        file = next((name for name in FILES if name in files), None)
        if file is not None:
            folder = Path(current).relative_to(root)
            yield Kustomization(folder.as_posix(), (folder / file).as_posix(), _read(root / folder / file))


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return next(iter(parse(file.read_text(), origin=str(file))), {})
    except BuildFailed:
        # Kustomize will say what is wrong with it.
        return {}
