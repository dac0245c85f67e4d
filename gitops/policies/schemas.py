"""The policy about fields and their types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops.manifests.graphnode import KIND as GRAPH_NODE
from gitops.manifests.rendered import BASE
from gitops.manifests.secrets import SOPS, is_encrypted
from gitops.manifests.seldondeployment import KIND, title
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy
from gitops.schemas.kubeconform import NO_SCHEMA, Invalid, validate

_UNKNOWN = re.compile(r"additional properties (.*) not allowed")
# The validator's words that do not show what is there.
_WITHOUT_VALUE = ("got ", "value must be ")
_VARIABLE = re.compile(r"/env/\d+/value$")
_FIXES = {
    KIND: "correct it or remove it: Seldon Core 1.17.1 refuses it, whose CRD holds the PodSpec of Kubernetes 1.24",
    GRAPH_NODE: "correct it or remove it; gitops/schemas/graphnode.json says what node.yaml can hold",
}


@policy
def schema(tree: Tree) -> Iterator[Violation]:
    """Every object is valid by the strict schema of its kind: the API server refuses a field that it does not know."""
    groups = {
        folder: (*map(_decrypted, rendered.objects), *([rendered.node.raw] if rendered.node else []))
        for folder, rendered in tree.rendered.items()
        if folder != BASE
    }
    for found in validate(groups):
        yield Violation(
            f"{found.kind} {found.name}", _said(found, groups[found.group]), _fix(found), found.group
        )


def _decrypted(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object as it is applied: what decrypts a Secret takes away what SOPS added."""
    return {key: value for key, value in entry.items() if key != SOPS} if is_encrypted(entry) else entry


def _said(found: Invalid, objects: Sequence[Mapping[str, Any]]) -> str:
    path = _path(found.pointer)
    unknown = _UNKNOWN.fullmatch(found.message)
    if unknown:
        return f"{path or 'the object'} has no field {unknown[1]}"
    if not path:
        return found.message
    shown = _shown(found, objects) if found.message.startswith(_WITHOUT_VALUE) else ""
    return f"{path}{shown}: {found.message}"


def _shown(found: Invalid, objects: Sequence[Mapping[str, Any]]) -> str:
    """Return how the message shows the value: not at all where it could be a secret's."""
    if found.kind == "Secret" or _VARIABLE.search(found.pointer):
        return ""
    value: Any = next(entry for entry in objects if title(entry) == f"{found.kind} {found.name}")
    for part in _parts(found.pointer):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return f" is {value!r}"


def _fix(found: Invalid) -> str:
    if not found.pointer and found.message.startswith(NO_SCHEMA):
        return "list the module that defines the kind in gitops/schemas/catalogue.py, or correct apiVersion and kind"
    return _FIXES.get(found.kind, "correct it or remove it")


def _path(pointer: str) -> str:
    """Return a JSON pointer as the other policies write a path: ``spec.predictors[0].graph``."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in _parts(pointer)).removeprefix(
        "."
    )


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
