"""The parameters that an ApplicationSet's generators produce, and the templates rendered with them.

Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product, takewhile
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_FIELD = re.compile(r"(\.[A-Za-z_][A-Za-z0-9_]*)+")
_SEGMENT = re.compile(r"index \.path\.segments (\d+)")
_DNS = re.compile(r"[^a-z0-9.]+")


class Unsupported(Exception):
    """The Applications of an ApplicationSet do not follow from the tree alone; the message names the part."""


def parameters(generator: Mapping[str, Any], root: Path) -> list[dict[str, Any]]:
    """Return the parameters that ``generator`` makes of the tree below ``root``, one set for each Application.

    Raises:
        Unreadable: it asks something else than the tree.
    """
    if generator.get("selector"):
        raise Unsupported("a generator has a selector")
    if "list" in generator:
        return [dict(element) for element in generator["list"].get("elements") or ()]
    if "git" in generator:
        return list(_git(generator["git"], root))
    if "matrix" in generator:
        parts = [parameters(part, root) for part in generator["matrix"]["generators"]]
        return [{key: value for part in parts for key, value in part.items()} for parts in product(*parts)]
    raise Unsupported(f"a generator is {', '.join(generator)}")


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Return ``template`` with the actions in all its strings replaced by ``values``.

    Raises:
        Unreadable: an action is not a plain field, or there is no field of that name.
    """
    if isinstance(template, str):
        return _ACTION.sub(lambda action: _value(action[1], values), template)
    if isinstance(template, Mapping):
        return {key: fill(entry, values) for key, entry in template.items()}
    return [fill(entry, values) for entry in template] if isinstance(template, list) else template


def _git(generator: Mapping[str, Any], root: Path) -> Iterator[dict[str, Any]]:
    if generator.get("pathParamPrefix"):
        raise Unsupported("a git generator has a pathParamPrefix")
    files, directories = generator.get("files") or (), generator.get("directories") or ()
    for path in _found(files, root, directory=False):
        for document in _documents(root / path):
            for entry in document if isinstance(document, list) else [document]:
                filename = {"filename": path.name, "filenameNormalized": _DNS.sub("-", path.name.lower())}
                yield {**(entry or {}), "path": {**_path(path.parent), **filename}}
    for path in _found(directories, root, directory=True):
        yield {"path": _path(path)}


def _documents(file: Path) -> list[Any]:
    try:
        return list(yaml.safe_load_all(file.read_text()))
    except yaml.YAMLError as error:
        raise Unsupported(f"a git generator reads {file.name}, which is no YAML: {error}") from error


def _found(
    patterns: list[Mapping[str, Any]] | tuple[()], root: Path, *, directory: bool
) -> list[PurePosixPath]:
    """Return the files or directories that the patterns match, as Argo CD matches them."""
    matches = _matches_directory if directory else _matches_file
    excluded = [entry["path"] for entry in patterns if entry.get("exclude")]
    found = {
        path
        for entry in patterns
        if not entry.get("exclude")
        for path in _below(root, entry["path"], directory=directory)
        if matches(path, entry["path"])
    }
    return sorted(path for path in found if not any(matches(path, pattern) for pattern in excluded))


def _below(root: Path, pattern: str, *, directory: bool) -> Iterator[PurePosixPath]:
    """Yield what is below the part of ``pattern`` without stars: files, or directories without the hidden ones."""
    plain = list(takewhile(lambda part: not set(part) & set("*?["), PurePosixPath(pattern).parts))
    start = root.joinpath(*plain)
    if start.is_file() and not directory:
        yield PurePosixPath(*plain)
    for current, folders, files in os.walk(start):
        folders[:] = [name for name in folders if not (name.startswith(".") if directory else name == ".git")]
        here = PurePosixPath(Path(current).relative_to(root))
        if directory:
            yield here
        else:
            yield from (here / name for name in files)


def _matches_file(path: PurePosixPath, pattern: str) -> bool:
    """Whether a pattern of files matches: by default a star goes across slashes, and a folder means all below it.

    Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Git-File-Globbing/
    """
    return fnmatchcase(str(path), pattern) or path.is_relative_to(pattern)


def _matches_directory(path: PurePosixPath, pattern: str) -> bool:
    """Whether a pattern of directories matches: a star stays between two slashes."""
    parts = PurePosixPath(pattern).parts
    return len(parts) == len(path.parts) and all(map(fnmatchcase, path.parts, parts))


def _path(folder: PurePosixPath) -> dict[str, Any]:
    return {
        "path": str(folder),
        "basename": folder.name,
        "basenameNormalized": _DNS.sub("-", folder.name.lower()),
        "segments": list(folder.parts),
    }


def _value(action: str, values: Mapping[str, Any]) -> str:
    segment = _SEGMENT.fullmatch(action)
    keys = ["path", "segments", int(segment[1])] if segment else action.split(".")[1:]
    if not segment and not _FIELD.fullmatch(action):
        raise Unsupported(f"a template has the action {action!r}")
    found: Any = values
    for key in keys:
        try:
            found = found[key]
        except (KeyError, IndexError, TypeError) as error:
            raise Unsupported(f"a template has the action {action!r}, and there is no such value") from error
    return str(found)
