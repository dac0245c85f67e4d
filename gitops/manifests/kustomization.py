"""The kustomization files of a tree and the files that they refer to, read before kustomize runs.

Kustomize fetches whatever looks like a URL (https://, git, OCI, github.com/owner/name), so a pull request could make a
runner send requests to any address: only files of this tree are allowed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from gitops.errors import BuildFailed
from gitops.files import exists
from gitops.manifests.documents import parse_objects, read_text, shared_documents

# Fixtures there are broken on purpose.
_SKIPPED = "tests"


@dataclass(frozen=True)
class Kustomization:
    """A kustomization file: its ``folder`` and ``file`` relative to the tree, and its content."""

    folder: str
    file: str
    raw: Mapping[str, Any]

    @property
    def is_component(self) -> bool:
        """Whether it is a Component, which builds only as a part of other kustomizations."""
        return self.raw.get("kind") == "Component"

    @cached_property
    def components(self) -> tuple[str, ...]:
        """Folders, relative to the tree, of the components that it uses."""
        return self._paths("components")

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """Files and folders, relative to the tree, that it lists as resources."""
        return self._paths("resources")

    def _paths(self, key: str) -> tuple[str, ...]:
        return tuple(
            PurePath(os.path.normpath(PurePath(self.folder, str(entry)))).as_posix()
            for entry in self.raw.get(key) or ()
        )


def kustomizations(root: Path) -> Iterator[Kustomization]:
    """Yield the kustomizations below ``root``, components too; its hidden folders and tests/ are left out.

    Deeper down a folder of such a name counts: Argo CD makes an Application of overlays/.hidden too.
    """
    for current, folders, files in os.walk(root):
        left_out = outside(current, folders) if Path(current) == root else ()
        folders[:] = sorted(name for name in folders if name not in left_out and name != ".git")
        file = next((name for name in FILES if name in files), None)
        if file is not None:
            folder = Path(current).relative_to(root)
            yield Kustomization(folder.as_posix(), (folder / file).as_posix(), _read(root / folder / file))


def outside(root: str, names: list[str]) -> list[str]:
    """Return which of the ``names`` right below the tree ``root`` are folders without manifests."""
    return [
        name for name in names if (name.startswith(".") or name == _SKIPPED) and Path(root, name).is_dir()
    ]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return next(iter(parse_objects(read_text(file), origin=str(file))), {})
    except BuildFailed:
        # The build reports what is wrong with it.
        return {}


# The names that kustomize looks for: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Fields whose entries are paths; and those whose entries are a path or, over several lines, the YAML itself.
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
_PATHS = ("resources", "bases", "components", "crds", "configurations")
_INLINE = ("generators", "transformers", "validators", "patchesStrategicMerge")
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmGlobals", "helmChartInflationGenerator")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z][A-Za-z0-9+.-]*::|[^/\s]+@[^/\s]+:")


def local_roots(folder: Path) -> set[Path]:
    """Read all that the kustomization in ``folder`` is made of, and those that it refers to; return their folders.

    Raises:
        BuildFailed: something lies outside of this tree's files, or a file cannot be read as YAML in UTF-8; a line each.
    """
    found: list[str] = []
    seen: set[Path] = set()
    _walk(folder, seen, found)
    if found:
        raise BuildFailed("\n".join(found))
    return {place for place in seen if place.is_dir()}


def fingerprint(folder: Path, folders: set[Path]) -> str | None:
    """Return a hash of all that kustomize can read for ``folder``, made of ``folders``; None where that is not known.

    It reads files only in and below the folder of a kustomization.
    Source: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization-root
    """
    if not folders:
        return None  # A folder without a kustomization has nothing to tell it from another such.
    place = folder.resolve()
    content = hashlib.sha256()
    for root in sorted(folders):
        for current, names, files in os.walk(root):
            names.sort()
            if any(Path(current, name).is_symlink() for name in names):
                return None
            for name in sorted(files):
                file = Path(current, name)
                try:
                    # Where a link leads matters to kustomize, which refuses one out of the folder.
                    data = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
                except OSError:
                    return None
                if file.is_symlink() and not file.resolve().is_relative_to(root):
                    return None
                for part in (os.fsencode(os.path.relpath(file, place)), data):
                    content.update(len(part).to_bytes(8, "big") + part)
    return content.hexdigest()


def _walk(folder: Path, seen: set[Path], found: list[str]) -> None:
    place = folder.resolve()
    file = next(
        (folder / name for name in FILES if (folder / name).is_symlink() or (folder / name).exists()), None
    )
    if place in seen or file is None:
        return  # kustomize itself reports a folder without one.
    seen.add(place)
    try:
        content: Any = next(iter(shared_documents(read_text(file), str(file))), {})
    except BuildFailed as error:
        found.append(str(error))
        return
    if not isinstance(content, Mapping):
        found.append(f"{file}: must be an object of the kind Kustomization or Component")
        return
    for path, text, parsed in _references(content):
        message = _local(file, path, text)
        if message:
            found.append(message)
            continue
        target = _plain(folder / text)
        if target.is_dir():
            _walk(target, seen, found)
        elif parsed and target.resolve() not in seen:
            seen.add(target.resolve())
            try:
                shared_documents(read_text(target), str(target))
            except BuildFailed as error:
                found.append(str(error))


def _plain(path: Path) -> Path:
    """Return the path without its .., so that messages name a file in one way; as it is where a link is followed."""
    plain = Path(os.path.normpath(path))
    return plain if exists(plain) and plain.samefile(path) else path


def _references(content: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield where a path stands, the path, and whether what lies there is YAML. What has another shape kustomize names."""
    for key in _HELM:
        if content.get(key):
            yield key, "://", False
    for key in (*_PATHS, *_INLINE):
        for index, entry in enumerate(_list(content.get(key))):
            if isinstance(entry, str) and not (key in _INLINE and "\n" in entry.strip()):
                yield f"{key}[{index}]", entry, True
    for key in _WITH_PATH:
        for index, entry in enumerate(_list(content.get(key))):
            if isinstance(entry, Mapping) and isinstance(entry.get("path"), str):
                yield f"{key}[{index}].path", entry["path"], True
    openapi = content.get("openapi")
    if isinstance(openapi, Mapping) and isinstance(openapi.get("path"), str):
        yield "openapi.path", openapi["path"], True
    for key in _GENERATORS:
        for index, entry in enumerate(_list(content.get(key))):
            for field in ("files", "envs") if isinstance(entry, Mapping) else ():
                for at, text in enumerate(_list(entry.get(field))):
                    if isinstance(text, str):
                        # As in name=path.
                        yield (
                            f"{key}[{index}].{field}[{at}]",
                            text.rpartition("=")[2] if field == "files" else text,
                            False,
                        )
            if isinstance(entry, Mapping) and isinstance(entry.get("env"), str):
                yield f"{key}[{index}].env", entry["env"], False


def _local(file: Path, path: str, text: str) -> str:
    """Return what is wrong with a path that stands in a kustomization, empty where it is a file or folder of this tree."""
    if path in _HELM:
        return f"{file}: {path}: charts are fetched from outside; commit what the chart renders as a resource"
    target = _plain(file.parent / text)
    fix = "commit a copy, and name it by its path relative to this file"
    if _REMOTE.match(text):
        return f"{file}: {path} is {text!r}: must be a file or folder of this repository; {fix}"
    if exists(target):
        return ""
    if os.path.lexists(target):
        return f"{file}: {path} is {text!r}, a link to nothing; correct or remove it"
    return f"{file}: {path} is {text!r}, which is not there; correct the path, or, if it is an address, {fix}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
