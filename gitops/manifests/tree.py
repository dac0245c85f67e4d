"""A tree of manifests: its kustomizations, and what each of them renders."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import yaml

from gitops.errors import BadManifest, BuildFailed
from gitops.git import git
from gitops.manifests import site
from gitops.manifests.documents import read_text
from gitops.manifests.kustomization import FILES, Kustomization, kustomizations, local_roots, outside
from gitops.manifests.rendered import OVERLAYS, Rendered, RenderResult, render, render_at
from gitops.manifests.site import Site, read_site


@dataclass(frozen=True)
class Tree:
    """A tree of manifests: its kustomizations by folder, the rendered objects of those that build, and the failures of the others.

    A component that others use is in neither; an unused one is built on the overlay that ``compositions`` names, and where
    there is no overlay it is in neither too.
    ``before`` is the root of the base's tree, None where there is no base; ``site`` None where there is no valid site.yaml.
    """

    root: Path
    kustomizations: Mapping[str, Kustomization]
    rendered: dict[str, Rendered]
    failures: dict[str, BuildFailed | BadManifest]
    compositions: dict[str, str]
    before: Path | None = None
    site: Site | None = None

    def add(self, folder: str, outcome: RenderResult) -> None:
        """Record what ``folder`` renders, or why it does not build."""
        if isinstance(outcome, Rendered):
            self.rendered[folder] = outcome
        else:
            self.failures[folder] = outcome

    @property
    def complete(self) -> bool:
        """Whether everything is rendered that overlays may lean on: what is outside of overlays/."""
        return not any(folder for folder in self.failures if not folder.startswith(f"{OVERLAYS}/"))

    def without(self, folders: Set[str]) -> Tree:
        """Return the tree with ``folders`` moved to the failures."""
        failures = {folder: BadManifest(folder) for folder in folders} | self.failures
        rendered = {folder: entry for folder, entry in self.rendered.items() if folder not in folders}
        return replace(self, rendered=rendered, failures=failures)

    def words(self, error: Exception) -> str:
        """Return the text of an error, with paths relative to the tree."""
        return str(error).replace(f"{self.root}/", "").replace(str(self.root), ".")

    def causes(self) -> dict[str, str]:
        """Return the kustomizations that do not build for the fault of another, by which of them that is."""
        message = {folder: self.words(error) for folder, error in self.failures.items()}
        named = {
            folder: [
                other
                for other in message
                # Kustomize names a folder in quotes, and we a file in it.
                if other != folder
                and other in text
                and re.search(rf"(?<![\w/-]){re.escape(other)}(?:'|/[\w.-]+:)", text)
            ]
            for folder, text in message.items()
        }
        # Only a failure that is reported itself can stand for others.
        own = {folder for folder, others in named.items() if not others}
        return {
            folder: next(other for other in others if other in own)
            for folder, others in named.items()
            if own.intersection(others)
        }

    def users(self, component: str) -> list[str]:
        """Return the folders of the kustomizations that use the component in ``component``."""
        return [entry.folder for entry in self.kustomizations.values() if component in entry.components]

    def carriers(self, component: str) -> list[str]:
        """Return the overlays that the component in ``component``, which nothing uses, is tried upon.

        The one that takes it; before that is known the first of one node, and the first graph.
        """
        if component in self.compositions:
            return [self.compositions[component]]
        overlays = [(folder, entry.node) for folder, entry in self.rendered.items() if entry.overlay]
        alone = [folder for folder, node in overlays if node]
        graphs = [folder for folder, node in overlays if not node]
        return [*alone[:1], *graphs[:1]]

    def places(self, component: str, root: Path) -> list[Path]:
        """Return the folders below ``root``, a copy of the tree, that build with the component in ``component`` in them."""
        users = self.users(component)
        if users:
            return [root / user for user in users if user in self.rendered]
        return [
            write_composition(
                root / ".trials" / component / overlay, root, component, self.kustomizations[overlay]
            )
            for overlay in self.carriers(component)
        ]


def load(root: Path, before: Path | None = None) -> Tree:
    """Return the tree below ``root`` with every kustomization built, as a change of the one below ``before``.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    found = _site(root)
    tree = Tree(
        root,
        {entry.folder: entry for entry in kustomizations(root)},
        {},
        {},
        {},
        before,
        found if isinstance(found, Site) else None,
    )
    fault = found if isinstance(found, BadManifest) else None
    if fault:
        tree.add(site.FOLDER, fault)
    whole = [folder for folder, entry in tree.kustomizations.items() if not entry.is_component]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda folder: _render(root, folder, fault), whole)
        for folder, result in zip(whole, results, strict=True):
            tree.add(folder, result)
    for folder, entry in tree.kustomizations.items():
        if entry.is_component and not tree.users(folder):
            if fault:
                tree.add(folder, fault)
            else:
                _try(tree, folder)
    return tree


def _site(root: Path) -> Site | BadManifest | None:
    """Return what the site.yaml of a tree says, or what is wrong with it; None for a tree without the folder site/."""
    try:
        return read_site(root) if (root / site.FOLDER).is_dir() else None
    except BadManifest as error:
        return error


def _render(root: Path, folder: str, fault: BadManifest | None) -> RenderResult:
    """Return what ``folder`` renders. ``fault`` is that of site.yaml: what is made of it does not render."""
    try:
        if fault and (root / site.FOLDER).resolve() in local_roots(root / folder):
            return fault
    except BuildFailed:
        pass  # The build says so.
    return render(root, folder)


def _try(tree: Tree, component: str) -> None:
    """Build a component that nothing uses upon an overlay that takes it, if there is any overlay."""
    result: RenderResult | None = None
    for overlay in tree.carriers(component):
        with tempfile.TemporaryDirectory() as scratch:
            write_composition(Path(scratch), tree.root, component, tree.kustomizations[overlay])
            tried = render_at(component, None, Path(scratch))
        if isinstance(tried, Rendered):
            tree.compositions[component] = overlay
            result = tried
            break
        # Without the name of the folder that is gone again.
        message = str(tried).replace(f"kustomize build {scratch}: ", "")
        result = type(tried)(f"tried upon {overlay}: {message}")
    if result is not None:
        tree.add(component, result)


def write_composition(folder: Path, tree: Path, component: str, overlay: Kustomization) -> Path:
    """Write into ``folder``, made if need be, a kustomization of ``overlay`` with ``component``, both below ``tree``; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    # Kustomize takes relative paths only, and what they mean once links are followed.
    above = Path(os.path.relpath(tree.resolve(), folder.resolve()))
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(above / overlay.folder)],
        "components": [str(above / component)],
    }
    # What the component adds would get it inside the overlay.
    if "namespace" in overlay.raw:
        content["namespace"] = overlay.raw["namespace"]
    (folder / FILES[0]).write_text(yaml.safe_dump(content))
    return folder


def write_copy(tree: Tree, root: Path) -> None:
    """Copy into ``root`` all that the kustomizations of the tree are made of."""
    for top in sorted({PurePath(folder).parts[:1] for folder in tree.kustomizations}):
        source = tree.root.joinpath(*top)
        # Beside a kustomization of the whole tree, what lies there for other reasons.
        shutil.copytree(
            source,
            root.joinpath(*top),
            ignore=None if top else outside,
            ignore_dangling_symlinks=True,
            dirs_exist_ok=True,
        )


_PATH = re.compile(r"^\s*path\s*=\s*(.*?)\s*$", re.MULTILINE)
# The mode of a submodule in the index: https://git-scm.com/docs/gitsubmodules
_GITLINK = "160000 "


def submodules(root: Path) -> list[str]:
    """Return the paths of the submodules of the repository ``root``: those in .gitmodules, and those in the index.

    A folder that is no repository's has those that its .gitmodules names.

    Raises:
        BuildFailed: git cannot list the index, or .gitmodules is not UTF-8.
    """
    file = root / ".gitmodules"
    named = set(_PATH.findall(read_text(file))) if file.is_file() else set()
    listed = git(root, "ls-files", "--stage", "-z", fail=BuildFailed) if (root / ".git").exists() else ""
    links = {entry.partition("\t")[2] for entry in listed.split("\0") if entry.startswith(_GITLINK)}
    return sorted(named | links)
