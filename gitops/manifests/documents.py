"""YAML and JSON files, read strictly: UTF-8, one meaning for each key, dates as strings.

Kustomize takes the last of two equal keys in its own file without a warning.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import BuildFailed

_POINTER = b"version https://git-lfs.github.com/spec/"


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
        BuildFailed: it is not YAML, or a key stands twice in one object; the message starts with ``origin`` and the line.
    """
    try:
        return [entry for entry in yaml.load_all(text, Loader=Loader) if entry is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{origin}:{mark.line + 1}" if mark else origin
        raise BuildFailed(f"{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise BuildFailed(f"{origin}: {' '.join(str(error).split())}") from error


# Most files of a tree are read for each folder that is made of them, and for each side of a comparison.
_shared: dict[str, list[Any]] = {}
_MOST_SHARED = 4_000


def shared_documents(text: str, origin: str) -> list[Any]:
    """Return the documents of a YAML stream, which others have got too: nobody may change them.

    Raises:
        BuildFailed: as of ``documents``.
    """
    if text not in _shared:
        if len(_shared) >= _MOST_SHARED:
            _shared.clear()
        _shared[text] = documents(text, origin)
    return _shared[text]


def read_json(file: Path) -> Any:
    """Return what a JSON file in UTF-8 holds.

    Raises:
        BuildFailed: it cannot be read, is not JSON, or a key stands twice in one object; the message starts with its path.
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
    message = str(error).removeprefix(f"{file}:").lstrip()
    return f"line {message}" if message[:1].isdigit() else message


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


def parse_objects(text: str, *, origin: str) -> list[dict[str, Any]]:
    """Return the objects of a YAML stream; empty documents are left out.

    Raises:
        BuildFailed: the text is not YAML, or a document in it is not an object; the message starts with ``origin``.
    """
    found = copy.deepcopy(shared_documents(text, origin))
    for document in found:
        if not isinstance(document, dict):
            raise BuildFailed(f"{origin}: {document!r}: must be an object with apiVersion and kind")
    return found
