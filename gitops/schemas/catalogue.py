"""The catalogue of all schemas, kept under .cache/schemas by the content that it is made from.

Those of CustomResourceDefinitions are as strict as the API server is with strict field validation.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from gitops import tools
from gitops.schemas import kubernetes
from gitops.schemas.kubernetes import OBJECT_META, Schema, deduplicated, references, without_descriptions

HERE = Path(__file__).resolve().parent
CACHE = tools.ROOT / ".cache" / "schemas"
# For what does not say its own.
DRAFT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Crds:
    """The CustomResourceDefinitions in the files ``glob`` of the Go module ``module``, which ``folder``/go.mod pins."""

    module: str
    glob: str
    folder: Path = tools.MODULE


# A kind of another project is validated as soon as the module that defines it is listed here.
SCHEMAS = tools.MODULE / "schemas"
CRDS = (
    Crds("github.com/bitnami/sealed-secrets", "helm/sealed-secrets/crds/*.yaml"),
    Crds("github.com/argoproj/argo-cd/v3", "manifests/crds/*-crd.yaml", SCHEMAS),
    Crds("github.com/fluxcd/kustomize-controller", "config/crd/bases/*.yaml", SCHEMAS),
    Crds("github.com/fluxcd/source-controller", "config/crd/bases/*.yaml", SCHEMAS),
    Crds(
        "github.com/external-secrets/external-secrets",
        "config/crds/bases/external-secrets.io_*.yaml",
        SCHEMAS,
    ),
    *(
        Crds("github.com/kserve/kserve", f"config/crd/full/serving.kserve.io_{kinds}.yaml", SCHEMAS)
        for kinds in ("inferenceservices", "servingruntimes")
    ),
    Crds("sigs.k8s.io/gateway-api", "config/crd/standard/*.yaml", SCHEMAS),
    # Its other kinds are an administrator's, and Prometheus's own is a megabyte.
    *(
        Crds(
            "github.com/prometheus-operator/prometheus-operator",
            f"example/prometheus-operator-crd/monitoring.coreos.com_{kinds}.yaml",
            SCHEMAS,
        )
        for kinds in ("podmonitors", "servicemonitors", "prometheusrules")
    ),
)


def folder() -> Path:
    """Return the folder with the schema of every kind, in files named as ``crd.file_name`` says.

    Raises:
        ToolNotBuilt: the Go module of a CustomResourceDefinition cannot be had.
    """
    made = CACHE / _key()
    if not made.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".") as scratch:
            aside = Path(scratch) / made.name
            aside.mkdir()
            for name, schema in _schemas():
                (aside / name).write_text(json.dumps({"$schema": DRAFT} | schema))
            try:
                aside.rename(made)
            except OSError:
                # Another process was quicker, with the same result.
                if not made.is_dir():
                    raise
    return made


def _schemas() -> Iterator[tuple[str, Schema]]:
    for name, schema in kubernetes.kinds():
        yield name, without_descriptions(schema)
    known = without_descriptions(kubernetes.definitions())
    seldon = yaml.safe_load((HERE / "seldondeployment.yaml").read_text())
    yield (
        file_name("SeldonDeployment", "machinelearning.seldon.io/v1"),
        kubernetes.bundled(object_schema(seldon), known),
    )
    roots = {name.rpartition("/")[2] for name in references(seldon) if name.startswith("pod.json#")}
    yield "pod.json", kubernetes.pod_definitions(roots)
    yield file_name("GraphNode", "gitops.local/v1"), json.loads((HERE / "graphnode.json").read_text())
    for source in CRDS:
        for file in sorted(tools.module(source.module, source.folder).glob(source.glob)):
            # Megabytes: libyaml's parser takes a tenth of the time.
            for document in yaml.load_all(file.read_text(), yaml.CSafeLoader):
                if document and document["kind"] == "CustomResourceDefinition":
                    for name, schema in schemas(document):
                        yield name, kubernetes.bundled(deduplicated(without_descriptions(schema)), known)


def _key() -> str:
    content = hashlib.sha256(version("kubernetes-validate").encode())
    pins = {source.folder / name for source in CRDS for name in ("go.mod", "go.sum")}
    for file in (*sorted(HERE.glob("*.*")), *sorted(pins)):
        content.update(file.read_bytes())
    return content.hexdigest()[:16]


def schemas(crd: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Yield file name and JSON schema of every version that the CustomResourceDefinition ``crd`` serves."""
    spec = crd["spec"]
    for served in spec["versions"]:
        if served["served"]:
            name = file_name(spec["names"]["kind"], f"{spec['group']}/{served['name']}")
            yield name, object_schema(served["schema"]["openAPIV3Schema"])


def file_name(kind: str, api_version: str) -> str:
    """Return the name under which kubeconform looks for a schema: kind, first part of the group, version."""
    group, _, version = api_version.rpartition("/")
    return "-".join(part.lower() for part in (kind, group.partition(".")[0], version) if part) + ".json"


def object_schema(schema: Mapping[str, Any]) -> Schema:
    """Return the strict schema of an object of the API, which has metadata as any other has."""
    result: Schema = strict_schema(schema)
    result["properties"]["metadata"] = {"$ref": f"#/$defs/{OBJECT_META}"}
    return result


def strict_schema(schema: Any) -> Any:
    """Return ``schema`` with objects closed, so that a field that nobody reads is an error.

    Where the CRD keeps unknown fields, so does the result; what may be null may be so there too.
    """
    if isinstance(schema, list):
        return [strict_schema(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        # The names below are the user's, not the schema's.
        key: {name: strict_schema(entry) for name, entry in value.items()}
        if key in ("properties", "$defs")
        else strict_schema(value)
        for key, value in schema.items()
    }
    if "properties" in result and not result.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    if result.pop("nullable", False) and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result
