"""Kubernetes' own JSON schemas, from the PyPI package kubernetes-validate.

Two versions count: the cluster's for every kind of Kubernetes, and 1.24 for the PodSpec inside a SeldonDeployment,
since the CRD of Seldon Core 1.17.1 holds that one and refuses fields that came later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

from gitops.schemas.closure import Schema, closure, references

# The version of the cluster; the package has one such folder for each minor version.
CLUSTER = "v1.34.0-local-strict"
# The oldest that the package has …
POD = "v1.25.0-local-strict"
# … and what it has that 1.24 had not: https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.25.md
NEWER: dict[str, tuple[str, ...]] = {
    "io.k8s.api.core.v1.PodSpec": ("hostUsers",),
    "io.k8s.api.core.v1.TopologySpreadConstraint": (
        "matchLabelKeys",
        "nodeAffinityPolicy",
        "nodeTaintsPolicy",
    ),
}
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY_PATTERN = (
    r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+))?$"
)
_DEFINITIONS = "_definitions.json"


def kinds() -> Iterator[tuple[str, Schema]]:
    """Yield file name and schema of every kind of the cluster, each with the definitions that it refers to.

    A validator compiles each schema by itself, so a file that all refer to would be read once for every kind.
    """
    known = _read(CLUSTER)
    for file in (resources.files("kubernetes_validate") / "kubernetes-json-schema" / CLUSTER).iterdir():
        schema = json.loads(file.read_text()) if file.name.endswith(".json") else None
        if isinstance(schema, dict) and "x-kubernetes-group-version-kind" in schema:
            # It would be the base of the references.
            del schema["$id"]
            yield file.name, bundled(_local(schema), known)


def definitions() -> dict[str, Schema]:
    """Return what the kinds of the cluster refer to, by name."""
    return _read(CLUSTER)


def bundled(schema: Schema, known: dict[str, Schema]) -> Schema:
    """Return the schema with those of the ``known`` definitions that it refers to as ``#/$defs/…``."""
    roots = {name.rpartition("/")[2] for name in references(schema)} & known.keys()
    return {**schema, "$defs": {**schema.get("$defs", {}), **closure(known, roots)}} if roots else schema


def pod_definitions(roots: set[str]) -> Schema:
    """Return the definitions ``roots`` of Kubernetes 1.24, with all that they refer to."""
    found = _read(POD)
    for name, fields in NEWER.items():
        for field in fields:
            del found[name]["properties"][field]
    return {"$defs": closure(found, roots)}


def _read(version: str) -> dict[str, Schema]:
    file = resources.files("kubernetes_validate") / "kubernetes-json-schema" / version / _DEFINITIONS
    found: dict[str, Schema] = json.loads(file.read_text())["$defs"]
    found[_QUANTITY] = {"type": ["string", "number", "null"], "pattern": _QUANTITY_PATTERN}
    return found


def _local(schema: Any) -> Any:
    """Return the schema with its references to the package's definitions pointing into itself."""
    if isinstance(schema, dict):
        return {
            key: value.replace(f"/api/{_DEFINITIONS}", "") if key == "$ref" else _local(value)
            for key, value in schema.items()
        }
    return [_local(entry) for entry in schema] if isinstance(schema, list) else schema
