"""The folder of schemas for kubeconform, and the Go modules that its kinds come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitops.errors import ToolNotBuilt
from gitops.schemas import catalogue
from gitops.schemas.catalogue import Crds, file_name, folder, schemas, strict_schema
from gitops.schemas.kubeconform import Invalid, validate

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: routes.example.com}
spec:
  group: example.com
  names: {kind: Route, plural: routes}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            metadata: {type: object}
            spec: {type: object, properties: {to: {type: string}}}
"""
ROUTE = {
    "apiVersion": "example.com/v1",
    "kind": "Route",
    "metadata": {"name": "iris", "namespace": "seldon"},
    "spec": {"to": "model"},
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogue, "CACHE", tmp_path / "schemas")
    return tmp_path / "schemas"


def test_the_folder_has_a_schema_for_kinds_of_all_sources() -> None:
    names = {file.name for file in folder().iterdir()}
    assert names > {
        "graphnode-gitops-v1.json",
        "namespace-v1.json",
        "sealedsecret-bitnami-v1alpha1.json",
        "seldondeployment-machinelearning-v1.json",
    }


@pytest.mark.long
def test_the_folder_is_made_once(cache: Path) -> None:
    made = folder()
    times = {file: file.stat().st_mtime_ns for file in made.iterdir()}
    assert folder() == made
    assert {file: file.stat().st_mtime_ns for file in made.iterdir()} == times
    assert list(cache.iterdir()) == [made]


@pytest.mark.long
def test_another_kind_takes_one_more_source(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module/crds").mkdir(parents=True)
    (tmp_path / "module/crds/routes.yaml").write_text(CRD)
    (tmp_path / "module/go.mod").write_text("module example.com/routes\n")
    (tmp_path / "go.mod").write_text(
        "module example.com/tools\n\ngo 1.25\n\nrequire example.com/routes v1.0.0\n\n"
        f"replace example.com/routes => {tmp_path}/module\n"
    )
    (tmp_path / "go.sum").write_text("")
    source = Crds("example.com/routes", "crds/*.yaml", tmp_path)
    monkeypatch.setattr(catalogue, "CRDS", (*catalogue.CRDS, source))
    assert validate({"x": [ROUTE]}) == []
    assert validate({"x": [{**ROUTE, "spec": {"too": "model"}}]}) == [
        Invalid("x", "Route", "iris", "/spec", "additional properties 'too' not allowed")
    ]


def test_a_module_that_cannot_be_had_leaves_nothing_half_made(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((catalogue.CRDS[0].folder / name).read_bytes())
    source = Crds("github.com/bitnami/sealed-secrets", "helm/sealed-secrets/crds/*.yaml", tmp_path)
    monkeypatch.setattr(catalogue, "CRDS", (source,))
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    with pytest.raises(ToolNotBuilt, match="connection refused"):
        folder()
    assert list(cache.iterdir()) == []


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
    assert strict_schema({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}) == {
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
    assert strict_schema(schema) == schema


def test_a_property_may_be_called_properties_or_nullable() -> None:
    inner = {"properties": {"type": "string"}, "nullable": {"type": "boolean"}}
    assert strict_schema({"properties": inner})["properties"] == inner


def test_what_may_be_null_may_be_so() -> None:
    assert strict_schema({"type": "object", "nullable": True}) == {"type": ["object", "null"]}


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
