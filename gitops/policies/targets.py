"""The policy about targets that match nothing.

Kustomize is silent about a patch target, a replacement's select or an image name that matches no object. So each is
asked once more, in a copy of the tree. First all at once: beside each target goes one that marks what it matches, and a
mark that comes out of any build is a match. A mark can get lost, where what it stands on is removed again or only a
source; so each that does not come out is asked alone, by a probe that kustomize cannot apply: where the build still
succeeds, the target has matched nothing.

The list of site/ is left out: it serves folders of which each has some of its targets, and a tree need not have all of
them. What it would not fill stays a placeholder, which the policy placeholder finds.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BuildFailed
from gitops.manifests import site
from gitops.manifests.documents import documents, read_text
from gitops.manifests.kustomization import FILES, Kustomization
from gitops.manifests.kustomize import build_json
from gitops.manifests.tree import Tree, write_copy
from gitops.policies.policy import Violation, policy

_PROBE = "probe-of-this-target"
# As _mark makes them.
_MARK = re.compile(r"mark-[0-9a-f]{16}-[A-Za-z0-9]+(?:-[0-9]+)+-")
_PATCHES = ("patches", "patchesJson6902")
_LOCAL = "config.kubernetes.io/local-config"
# Shows what is only a source too.
SHOWN = {
    "target": {"annotationSelector": _LOCAL},
    "patch": f"- {{op: remove, path: /metadata/annotations/{_LOCAL.replace('/', '~1')}}}",
}


@dataclass(frozen=True)
class _Probe:
    """A selector of a kustomization: how messages name it, and the kustomization with the probe in it.

    ``mark`` is a field set on its matches when all selectors are built at once, empty where it needs a build of its own.
    """

    name: str
    kustomization: dict[str, Any]
    mark: str = ""


@policy
def target(tree: Tree) -> Iterator[Violation]:
    """A target matches something: kustomize is silent about a patch that changes nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_copy(tree, root)
        asked = {folder: _places(tree, entry, root) for folder, entry in tree.kustomizations.items()}
        probes = {
            folder: list(_probes(tree.kustomizations[folder], tree.root / folder))
            for folder, places in asked.items()
            # For the others kustomize has reported what is wrong.
            if places
        }
        # Of those that use a component the first mostly shows that it matches.
        first = {places[0] for folder, places in asked.items() if probes.get(folder)}
        seen = _marks(tree, root, first, set(probes))
        if not all(probe.mark in seen for entries in probes.values() for probe in entries if probe.mark):
            others = {place for places in asked.values() for place in places} - first
            seen |= _marks(tree, root, others, set(probes))
        for folder, entries in probes.items():
            file = root / tree.kustomizations[folder].file
            for probe in entries:
                if probe.mark and probe.mark in seen:
                    continue
                written = file.read_text()
                file.write_text(json.dumps(probe.kustomization))
                if not any(_matches(place) for place in asked[folder]):
                    yield Violation(
                        tree.kustomizations[folder].file,
                        f"{probe.name} matches no object",
                        "correct it or remove it",
                        folder,
                    )
                file.write_text(written)


def _places(tree: Tree, kustomization: Kustomization, root: Path) -> list[Path]:
    """Return the folders below the copy ``root`` that build with the kustomization in them."""
    folder = kustomization.folder
    if folder == site.FOLDER or (kustomization.is_component and folder in tree.failures):
        return []
    # A component shows its matches only in what uses it; one that matches is enough.
    if kustomization.is_component:
        return tree.places(folder, root)
    return [root / folder] if folder in tree.rendered else []


def _marks(tree: Tree, root: Path, places: set[Path], folders: set[str]) -> set[str]:
    """Return the marks that come out where ``places`` are built with every target of the kustomizations in ``folders`` marked."""
    files = {root / tree.kustomizations[folder].file: folder for folder in folders}
    written = {file: file.read_text() for file in files}
    for file, folder in files.items():
        file.write_text(json.dumps(_marked(tree.kustomizations[folder], tree.root / folder)))
    tops = []
    for place in sorted(places):
        top = root / ".shown" / place.relative_to(root)
        top.mkdir(parents=True, exist_ok=True)
        resource = os.path.relpath(place, top)
        (top / FILES[0]).write_text(json.dumps({"resources": [resource], "patches": [SHOWN]}))
        tops.append(top)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = {mark for marks in pool.map(_built, tops) for mark in marks}
    for file, text in written.items():
        file.write_text(text)
    return found


def _built(folder: Path) -> list[str]:
    try:
        return _MARK.findall(build_json(folder))
    except BuildFailed:
        # A mark breaks the build: each selector gets a build of its own.
        return []


def _matches(folder: Path) -> bool:
    """Whether the probe had an effect: an error that names it, or an image of its name."""
    try:
        return _PROBE in build_json(folder)
    except BuildFailed as error:
        if _PROBE not in str(error):
            raise
        return True


def _probes(kustomization: Kustomization, folder: Path) -> Iterator[_Probe]:
    raw = _whole(kustomization, folder)
    for key in _PATCHES:
        for index, patch in enumerate(raw.get(key) or ()):
            if "target" in patch:
                probed = copy.deepcopy(raw)
                probed[key].insert(index, _patch(patch["target"], {"op": "remove", "path": f"/{_PROBE}"}))
                mark = _mark(kustomization, key, index)
                yield _Probe(f"{key}[{index}].target {patch['target']}", probed, mark)
    for index, replacement in enumerate(raw["replacements"]):
        for at, selected in enumerate(replacement["targets"]):
            probed = copy.deepcopy(raw)
            probed["replacements"][index]["targets"].insert(at, _into(selected, f"{_PROBE}.path"))
            name = f"replacements[{index}].targets[{at}].select {selected['select']}"
            yield _Probe(name, probed, _mark(kustomization, "replacements", index, at))
    for index, image in enumerate(raw.get("images") or ()):
        probed = copy.deepcopy(raw)
        probed["images"][index]["newName"] = _PROBE
        yield _Probe(f"images[{index}].name {image.get('name', 'none')}", probed)


def _marked(kustomization: Kustomization, folder: Path) -> dict[str, Any]:
    """Return the kustomization with the marks of all its targets."""
    raw = copy.deepcopy(_whole(kustomization, folder))
    for key in _PATCHES:
        if key in raw:
            raw[key] = [
                entry
                for index, patch in enumerate(raw[key] or ())
                for entry in (
                    *(
                        [
                            _patch(
                                patch["target"],
                                {"op": "add", "path": f"/{_mark(kustomization, key, index)}", "value": ""},
                            )
                        ]
                        if "target" in patch
                        else []
                    ),
                    patch,
                )
            ]
    for index, replacement in enumerate(raw["replacements"]):
        replacement["targets"] = [
            entry
            for at, selected in enumerate(replacement["targets"])
            for entry in (
                _into(selected, _mark(kustomization, "replacements", index, at))
                | {"options": {"create": True}},
                selected,
            )
        ]
    return raw


def _mark(kustomization: Kustomization, *place: object) -> str:
    """Return the name of a field that says of what it stands in that the target at ``place`` matches it."""
    where = hashlib.sha256(kustomization.file.encode()).hexdigest()[:16]
    return f"mark-{where}-{'-'.join(map(str, place))}-"


def _patch(target: Any, *operations: dict[str, str]) -> dict[str, Any]:
    return {"target": target, "patch": json.dumps(list(operations))}


def _into(selected: dict[str, Any], field: str) -> dict[str, Any]:
    """Return a replacement's target that selects the same, and writes to another field."""
    probe = {key: value for key, value in selected.items() if key in ("select", "reject")}
    return probe | {"fieldPaths": [field]}


def _whole(kustomization: Kustomization, folder: Path) -> dict[str, Any]:
    """Return the kustomization with the replacements that stand in files of their own."""
    raw = dict(kustomization.raw)
    raw["replacements"] = list(_replacements(raw, folder))
    return raw


def _replacements(raw: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the replacements, those in files of their own included."""
    for entry in raw.get("replacements") or ():
        if "path" not in entry:
            yield entry
            continue
        file = folder / entry["path"]
        for document in documents(read_text(file), str(file)):
            yield from document if isinstance(document, list) else [document]
