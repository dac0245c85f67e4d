from __future__ import annotations

from typing import Any

import pytest

from gitops.schemas.crd import file_name, schemas, strict


@pytest.mark.parametrize(
    ("kind", "api_version", "name"),
    [
        ("Namespace", "v1", "namespace-v1.json"),
        ("Job", "batch/v1", "job-batch-v1.json"),
        ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicy-networking-v1.json"),
        ("SealedSecret", "bitnami.com/v1alpha1", "sealedsecret-bitnami-v1alpha1.json"),
    ],
)
def test_a_file_is_named_as_kubeconform_looks_for_it(kind: str, api_version: str, name: str) -> None:
    assert file_name(kind, api_version) == name


def test_an_object_has_the_listed_properties_and_no_others() -> None:
    assert strict({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {"a": {"type": "object", "properties": {}, "additionalProperties": False}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": True},
    ],
)
def test_an_object_that_the_api_server_leaves_open_stays_so(schema: dict[str, Any]) -> None:
    assert strict(schema) == schema


def test_a_property_may_be_called_properties_or_nullable() -> None:
    inner = {"properties": {"type": "string"}, "nullable": {"type": "boolean"}}
    assert strict({"properties": inner})["properties"] == inner


def test_what_may_be_null_may_be_so() -> None:
    assert strict({"type": "object", "nullable": True}) == {"type": ["object", "null"]}


def test_each_version_that_is_served_has_a_schema_with_the_metadata_of_any_object() -> None:
    shape = {"type": "object", "properties": {"metadata": {"type": "object"}}}
    versions = [
        {"name": name, "served": served, "schema": {"openAPIV3Schema": shape}}
        for name, served in (("v1", True), ("v1beta1", True), ("v1alpha1", False))
    ]
    spec = {"group": "example.com", "names": {"kind": "Route"}, "versions": versions}
    found = dict(schemas({"spec": spec}))
    assert list(found) == ["route-example-v1.json", "route-example-v1beta1.json"]
    reference = "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    assert found["route-example-v1.json"]["properties"]["metadata"] == {"$ref": reference}
