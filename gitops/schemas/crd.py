"""The schemas of a CustomResourceDefinition, made as strict as the API server is with strict field validation.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.schemas.closure import Schema
from gitops.schemas.kubernetes import OBJECT_META


def schemas(crd: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield file name and JSON schema of every version that the CustomResourceDefinition ``crd`` serves."""
    spec = crd["spec"]
    for version in spec["versions"]:
        if version["served"]:
            name = file_name(spec["names"]["kind"], f"{spec['group']}/{version['name']}")
            yield name, whole(version["schema"]["openAPIV3Schema"])


def file_name(kind: str, api_version: str) -> str:
    """Return the name under which kubeconform looks for a schema: kind, first part of the group, version."""
    group, _, version = api_version.rpartition("/")
    return "-".join(part.lower() for part in (kind, group.partition(".")[0], version) if part) + ".json"


def whole(schema: Mapping[str, Any]) -> Schema:
    """Return the strict schema of an object of the API, which has metadata as any other has."""
    result: Schema = strict(schema)
    result["properties"]["metadata"] = {"$ref": f"#/$defs/{OBJECT_META}"}
    return result


def strict(schema: Any) -> Any:
    """Return ``schema`` with objects closed, so that a field that nobody reads is an error.

    Where the CRD keeps unknown fields, so does the result; what may be null may be so there too.
    """
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        # The names below are the user's, not the schema's.
        key: {name: strict(entry) for name, entry in value.items()}
        if key in ("properties", "$defs")
        else strict(value)
        for key, value in schema.items()
    }
    if "properties" in result and not result.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    if result.pop("nullable", False) and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result
