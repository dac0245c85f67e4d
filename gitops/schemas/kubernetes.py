"""Kubernetes' own JSON schemas, from the PyPI package kubernetes-validate, and what a schema refers to.

Two versions count: the cluster's for every kind of Kubernetes, and 1.24 for the PodSpec inside a SeldonDeployment,
since the CRD of Seldon Core 1.17.1 holds that one and refuses fields that came later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

Schema = dict[str, Any]


def closure(definitions: dict[str, Schema], roots: set[str]) -> dict[str, Schema]:
    """Return the definitions named ``roots`` and all that they refer to, directly or not."""
    found: dict[str, Schema] = {}
    todo = sorted(roots)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = definitions[name]
            todo += [reference.rpartition("/")[2] for reference in references(definitions[name])]
    return found


def references(schema: Any) -> Iterator[str]:
    """Yield every ``$ref`` of a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for entry in schema:
            yield from references(entry)


def without_descriptions(schema: Any) -> Any:
    """Return the schema without its descriptions, which a validator reads and does not need."""
    if isinstance(schema, dict):
        return {
            # A property may be called so: then it is a schema, and no text.
            key: without_descriptions(value)
            for key, value in schema.items()
            if key != "description" or not isinstance(value, str)
        }
    return [without_descriptions(entry) for entry in schema] if isinstance(schema, list) else schema


def deduplicated(schema: Schema) -> Schema:
    """Return the schema with each object inside of it as a definition, of which equal ones are one.

    A validator compiles every copy, and an ApplicationSet holds the whole of an Application thirty times.
    """
    defined: dict[str, Schema] = {}
    result = _parted(schema, defined)
    return {**result, "$defs": {**result.get("$defs", {}), **defined}} if defined else result


def _parted(schema: Schema, defined: dict[str, Schema]) -> Schema:
    """Return the schema with references in place of the objects inside of it, the innermost first."""

    def referred(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        part = _parted(value, defined)
        if "properties" not in part:
            return part
        key = hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]
        defined[key] = part
        return {"$ref": f"#/$defs/{key}"}

    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {name: referred(entry) for name, entry in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in schema:
            result[key] = referred(schema[key])
    return result


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
