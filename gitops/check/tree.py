"""The kustomizations of a tree, and what each of them renders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from gitops.check import trial
from gitops.check.workloads import Workload, workloads
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
    workloads: tuple[Workload, ...]

    @property
    def overlay(self) -> str:
        """The name of the overlay, empty for a kustomization elsewhere."""
        parent, _, name = self.folder.rpartition("/")
        return name if parent == OVERLAYS else ""


Outcome: TypeAlias = Rendered | BuildFailed | BadManifest


@dataclass(frozen=True)
class Tree:
    """A tree of manifests: its kustomizations by folder, what those render that build, and why others do not.

    A component is in neither where others use it. Where none does, it is tried upon the overlay in ``trials``.
    """

    root: Path
    kustomizations: Mapping[str, Kustomization]
    rendered: dict[str, Rendered]
    failures: dict[str, BuildFailed | BadManifest]
    trials: dict[str, str]

    def add(self, folder: str, outcome: Outcome) -> None:
        """Note what ``folder`` renders, or why it does not."""
        if isinstance(outcome, Rendered):
            self.rendered[folder] = outcome
        else:
            self.failures[folder] = outcome

    def users(self, component: str) -> list[str]:
        """Return the folders of the kustomizations that use the component in ``component``."""
        return [entry.folder for entry in self.kustomizations.values() if component in entry.components]


def load(root: Path) -> Tree:
    """Return the tree below ``root`` with every kustomization built; hidden folders are left out.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    tree = Tree(root, {entry.folder: entry for entry in kustomizations(root)}, {}, {}, {})
    whole = [folder for folder, entry in tree.kustomizations.items() if not entry.is_component]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for folder, outcome in zip(whole, pool.map(lambda folder: render(root, folder), whole), strict=True):
            tree.add(folder, outcome)
    for folder, entry in tree.kustomizations.items():
        if entry.is_component and not tree.users(folder):
            _try(tree, folder)
    return tree


def _try(tree: Tree, component: str) -> None:
    """Build a component that nothing uses upon an overlay that takes it."""
    alone = [folder for folder, entry in tree.rendered.items() if entry.overlay and entry.node]
    graphs = [folder for folder, entry in tree.rendered.items() if entry.overlay and not entry.node]
    outcome: Outcome = BuildFailed("there is no overlay that it can be tried upon")
    for overlay in (*alone[:1], *graphs[:1]):
        with tempfile.TemporaryDirectory() as scratch:
            trial.write(Path(scratch), tree.root, component, overlay)
            tried = _outcome(component, None, Path(scratch))
        if isinstance(tried, Rendered):
            tree.trials[component] = overlay
            outcome = tried
            break
        # Without the name of the folder that is gone again.
        said = str(tried).replace(f"kustomize build {scratch}: ", "")
        outcome = type(tried)(f"tried upon {overlay}: {said}")
    tree.add(component, outcome)


def render(root: Path, folder: str) -> Outcome:
    """Return what the kustomization in ``folder`` below ``root`` renders, or why it does not.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    try:
        node = read_node(root / folder)
    except (BuildFailed, BadManifest) as error:
        return error
    return _outcome(folder, node, root / folder)


def _outcome(folder: str, node: GraphNode | None, place: Path) -> Outcome:
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
