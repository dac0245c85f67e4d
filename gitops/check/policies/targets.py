"""The policy about targets that match nothing.

Kustomize is silent about a patch target, a replacement's select or an image name that matches no object. So each is asked
once more, in a copy of the tree: beside it goes a probe with the same target that kustomize cannot apply.
Where the build still succeeds, the target has matched nothing.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml

from gitops.check import trial
from gitops.check.kustomization import Kustomization
from gitops.check.policy import Breach, policy
from gitops.check.tree import Tree
from gitops.errors import BuildFailed
from gitops.kustomize import build

_PROBE = "probe-of-this-target"


@dataclass(frozen=True)
class _Probe:
    """A selector of a kustomization: how messages name it, and the kustomization with the probe in it."""

    name: str
    kustomization: dict[str, Any]


@policy
def target(tree: Tree) -> Iterator[Breach]:
    """A target matches something: kustomize is silent about a patch that changes nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for top in sorted({PurePath(folder).parts[:1] for folder in tree.kustomizations}):
            shutil.copytree(
                tree.root.joinpath(*top), root.joinpath(*top), ignore=_hidden_folders, dirs_exist_ok=True
            )
        for folder, kustomization in tree.kustomizations.items():
            builds = _builds(tree, kustomization, root)
            if not builds:
                # Kustomize has said what is wrong with it.
                continue
            file = root / kustomization.file
            written = file.read_text()
            for probe in _probes(kustomization, tree.root / folder):
                file.write_text(yaml.safe_dump(probe.kustomization))
                if not any(_matches(place) for place in builds):
                    yield Breach(
                        kustomization.file,
                        f"{probe.name} matches no object",
                        "correct it or remove it",
                        folder,
                    )
            file.write_text(written)


def _builds(tree: Tree, kustomization: Kustomization, root: Path) -> list[Path]:
    """Return the folders below the copy ``root`` that build with the kustomization in them."""
    folder = kustomization.folder
    if folder in tree.trials:
        trial.write(root / ".trial", root, folder, tree.trials[folder])
        return [root / ".trial"]
    # A component shows its matches only in what uses it; one that matches is enough.
    users = tree.users(folder) if kustomization.is_component else [folder]
    return [root / user for user in users if user in tree.rendered]


def _hidden_folders(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name.startswith(".") and Path(folder, name).is_dir()}


def _matches(folder: Path) -> bool:
    """Whether the probe in the tree came to something: an error that names it, or an image of its name."""
    try:
        return _PROBE in repr(build(folder))
    except BuildFailed as error:
        if _PROBE not in str(error):
            raise
        return True


def _probes(kustomization: Kustomization, folder: Path) -> Iterator[_Probe]:
    raw = dict(kustomization.raw)
    for key in ("patches", "patchesJson6902"):
        for index, patch in enumerate(raw.get(key) or ()):
            if "target" in patch:
                probed = copy.deepcopy(raw)
                removal = yaml.safe_dump([{"op": "remove", "path": f"/{_PROBE}"}])
                probed[key].insert(index, {"target": patch["target"], "patch": removal})
                yield _Probe(f"{key}[{index}].target {patch['target']}", probed)
    raw["replacements"] = list(_replacements(raw, folder))
    for index, replacement in enumerate(raw["replacements"]):
        for at, selected in enumerate(replacement["targets"]):
            probed = copy.deepcopy(raw)
            probe = {key: value for key, value in selected.items() if key in ("select", "reject")}
            probed["replacements"][index]["targets"].insert(at, probe | {"fieldPaths": [f"{_PROBE}.path"]})
            yield _Probe(f"replacements[{index}].targets[{at}].select {selected['select']}", probed)
    for index, image in enumerate(raw.get("images") or ()):
        probed = copy.deepcopy(raw)
        probed["images"][index]["newName"] = _PROBE
        yield _Probe(f"images[{index}].name {image.get('name', 'none')}", probed)


def _replacements(raw: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the replacements, those in files of their own included."""
    for entry in raw.get("replacements") or ():
        if "path" not in entry:
            yield entry
            continue
        file = folder / entry["path"]
        for document in yaml.safe_load_all(file.read_text()):
            yield from document if isinstance(document, list) else [document]
