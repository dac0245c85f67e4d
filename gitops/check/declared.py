"""What the tree declares for pods to refer to, and which of their references lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.check.provided import provided
from gitops.check.references import SECRET, Reference, references
from gitops.manifests.rendered import BASE
from gitops.manifests.seldondeployment import DEFAULT_NAMESPACE
from gitops.manifests.tree import Tree

SEALED = "SealedSecret"


@dataclass(frozen=True)
class Undeclared:
    """A reference of ``owner`` in ``folder`` whose object is not declared, or has not its key.

    ``keys`` are those that the object has, None where there is no such object in ``namespace``.
    """

    folder: str
    owner: str
    namespace: str
    reference: Reference
    keys: frozenset[str] | None


def undeclared(tree: Tree) -> Iterator[Undeclared]:
    """Yield the references that must be there before a pod starts, and that neither the tree nor the cluster has."""
    declared = _declared(tree)
    # What did not build might declare it.
    for folder, rendered in tree.rendered.items() if tree.complete else ():
        if folder == BASE:
            continue
        cluster = provided(rendered)
        for owner, namespace, found in references(rendered):
            if (owner, found.kind, found.name) in cluster:
                continue
            keys = declared.get((found.kind, namespace, found.name))
            if keys is None or (found.key and found.key not in keys):
                yield Undeclared(folder, owner, namespace, found, None if keys is None else frozenset(keys))


def _declared(tree: Tree) -> Mapping[tuple[str, str, str], set[str]]:
    """Return the keys of all that the tree makes, by kind, namespace and name; a SealedSecret makes a Secret."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for rendered in tree.rendered.values():
        for entry in rendered.objects:
            metadata, kind = entry["metadata"], str(entry.get("kind"))
            at = (
                SECRET if kind == SEALED else kind,
                metadata.get("namespace", DEFAULT_NAMESPACE),
                metadata["name"],
            )
            found.setdefault(at, set()).update(_keys(entry))
    return found


def _keys(entry: Mapping[str, Any]) -> set[str]:
    spec = entry.get("spec") or {}
    sources = [entry.get(key) for key in ("data", "binaryData", "stringData")]
    if entry.get("kind") == SEALED:
        sources += [spec.get("encryptedData"), spec.get("template", {}).get("data")]
    return {key for source in sources for key in source or ()}
