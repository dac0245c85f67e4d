"""What a kustomization is made of, read before kustomize runs: files of this tree, in YAML that means one thing.

Kustomize fetches what looks like a URL (https://, git, OCI, github.com/owner/name), so that a pull request could make
a runner ask any address; of a key that stands twice in its own file it takes the last without a word.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import BuildFailed

# The names that kustomize looks for: https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Fields whose entries are paths; and those whose entries are a path or, over several lines, the YAML itself.
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
_PATHS = ("resources", "bases", "components", "crds", "configurations")
_INLINE = ("generators", "transformers", "validators", "patchesStrategicMerge")
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmGlobals", "helmChartInflationGenerator")
_POINTER = b"version https://git-lfs.github.com/spec/"
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z][A-Za-z0-9+.-]*::|[^/\s]+@[^/\s]+:")


class Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: an unquoted date stays a string, and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node.

        Raises:
            ConstructorError: a key stands in it twice.
        """
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice in one object", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_text(file: Path) -> str:
    """Return the text of a file in UTF-8; a byte order mark is not part of it.

    Raises:
        BuildFailed: it cannot be read, or is in another encoding; the message starts with its path.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BuildFailed(
            f"{file}:{line}: the byte {error.object[error.start]:#04x} is no UTF-8; save the file as UTF-8 "
            "(PowerShell: Out-File -Encoding utf8)"
        ) from error
    except OSError as error:
        what = "is a link to nothing" if file.is_symlink() else f"cannot be read ({error.strerror})"
        raise BuildFailed(f"{file}: {what}; correct or remove it") from error


def documents(text: str, origin: str) -> list[Any]:
    """Return the documents of a YAML stream; empty ones are left out.

    Raises:
        BuildFailed: it is no YAML, or a key stands twice in one object; the message starts with ``origin`` and the line.
    """
    try:
        return [entry for entry in yaml.load_all(text, Loader=Loader) if entry is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}" if mark else origin
        raise BuildFailed(f"{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise BuildFailed(f"{origin}: {' '.join(str(error).split())}") from error


def read_json(file: Path) -> Any:
    """Return what a JSON file in UTF-8 holds.

    Raises:
        BuildFailed: it cannot be read, is no JSON, or a key stands twice in one object; the message starts with its path.
    """
    text = read_text(file)
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise BuildFailed(f"{file}:{error.lineno}: is no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise BuildFailed(f"{file}: {error}") from error


def words(error: Exception, file: Path) -> str:
    """Return what an error says of a file, for whoever names it already."""
    said = str(error).removeprefix(f"{file}:").lstrip()
    return f"line {said}" if said[:1].isdigit() else said


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def is_pointer(file: Path) -> bool:
    """Whether a file only stands for the one that Git LFS keeps elsewhere.

    Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    try:
        with file.open("rb") as stream:
            return stream.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def check(folder: Path) -> set[Path]:
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
                    told = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
                except OSError:
                    return None
                if file.is_symlink() and not file.resolve().is_relative_to(root):
                    return None
                for part in (os.path.relpath(file, place).encode(), told):
                    content.update(len(part).to_bytes(8, "big") + part)
    return content.hexdigest()


def _walk(folder: Path, seen: set[Path], found: list[str]) -> None:
    place = folder.resolve()
    file = next(
        (folder / name for name in FILES if (folder / name).is_symlink() or (folder / name).exists()), None
    )
    if place in seen or file is None:
        return  # Of a folder without one kustomize says so.
    seen.add(place)
    try:
        content: Any = next(iter(documents(read_text(file), str(file))), {})
    except BuildFailed as error:
        found.append(str(error))
        return
    if not isinstance(content, Mapping):
        found.append(f"{file}: must be an object of the kind Kustomization or Component")
        return
    for path, text, parsed in _references(content):
        said = _local(file, path, text)
        if said:
            found.append(said)
            continue
        target = _plain(folder / text)
        if target.is_dir():
            _walk(target, seen, found)
        elif parsed and target.resolve() not in seen:
            seen.add(target.resolve())
            try:
                documents(read_text(target), str(target))
            except BuildFailed as error:
                found.append(str(error))


def _plain(path: Path) -> Path:
    """Return the path without its .., so that messages name a file in one way; as it is where a link is followed."""
    plain = Path(os.path.normpath(path))
    return plain if plain.exists() and plain.samefile(path) else path


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
    if target.is_symlink() and not target.exists():
        return f"{file}: {path} is {text!r}, a link to nothing; correct or remove it"
    if not target.exists():
        return f"{file}: {path} is {text!r}, which is not there; correct the path, or, if it is an address, {fix}"
    return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
