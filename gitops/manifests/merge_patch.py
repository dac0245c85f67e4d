"""The strategic merge patches of SeldonDeployments that a kustomization holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BuildFailed
from gitops.manifests.documents import documents, read_text
from gitops.manifests.kustomization import Kustomization
from gitops.manifests.seldondeployment import KIND
from gitops.manifests.unstructured import nested

_PATCHES = "patches"
_STRATEGIC = "patchesStrategicMerge"


@dataclass(frozen=True)
class MergePatch:
    """A strategic merge patch: the entry ``index`` of the kustomization's field ``key``, and the ``file`` that holds it.

    ``file`` is empty where the patch stands in the kustomization itself; ``target`` is empty where it names its object.
    """

    key: str
    index: int
    file: str
    target: Mapping[str, Any]
    content: Mapping[str, Any]

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"{self.key}[{self.index}]{f' ({self.file})' if self.file else ''}"

    @property
    def name(self) -> str:
        """The name of the object that it changes, empty where its target says so."""
        return "" if self.target else str(nested(self.content, "metadata", "name") or "")

    @property
    def selector(self) -> Mapping[str, Any]:
        """The target of a JSON6902 patch of the same object."""
        return self.target or {"kind": KIND, "name": self.name}

    def selects(self, name: str) -> bool:
        """Whether it changes a SeldonDeployment of this name."""
        pattern = str(self.target.get("name") or ".*") if self.target else re.escape(self.name)
        return re.fullmatch(pattern, name) is not None


def merge_patches(kustomization: Kustomization, folder: Path) -> Iterator[MergePatch]:
    """Yield those of the kustomization in ``folder``; what cannot be read the build reports."""
    for key in (_PATCHES, _STRATEGIC):
        listed = kustomization.raw.get(key)
        for index, entry in enumerate(listed if isinstance(listed, list) else ()):
            file, text, target = _source(key, entry, folder)
            for content in _parsed(text):
                if isinstance(content, Mapping) and _is_of_seldon(content, target):
                    yield MergePatch(key, index, file, target, content)


# What kustomize applies after the patches of the same kustomization.
_LATER = (
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "replicas",
    "images",
    "replacements",
)


def without(raw: Mapping[str, Any], patches: list[MergePatch]) -> dict[str, Any]:
    """Return the content ``raw`` of a kustomization without ``patches`` and what kustomize applies after them."""
    gone = {(patch.key, patch.index) for patch in patches}
    kept = {key: value for key, value in raw.items() if key not in _LATER}
    return kept | {
        key: [entry for index, entry in enumerate(raw[key]) if (key, index) not in gone]
        for key in {patch.key for patch in patches}
    }


def _source(key: str, entry: Any, folder: Path) -> tuple[str, str, Mapping[str, Any]]:
    """Return the file of an entry, its text and its target; the file is empty where the text stands in the entry."""
    target: Mapping[str, Any] = {}
    if key == _STRATEGIC:
        inline, path = (entry, "") if "\n" in str(entry).strip() else ("", entry)
    elif isinstance(entry, Mapping):
        inline, path, target = entry.get("patch"), entry.get("path"), entry.get("target") or {}
    else:
        return "", "", {}
    if isinstance(inline, str) and inline:
        return "", inline, target
    try:
        return str(path), read_text(folder / str(path)), target
    except BuildFailed:
        return str(path), "", target


def _parsed(text: str) -> list[Any]:
    try:
        return documents(text, "")
    except BuildFailed:
        return []


def _is_of_seldon(content: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    kind = str(target.get("kind") or content.get("kind") or "")
    try:
        return re.fullmatch(kind, KIND) is not None if target else kind == KIND
    except re.error:
        return False
