from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import ToolNotBuilt
from gitops.schemas import catalogue
from gitops.schemas.catalogue import Crds, folder
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
