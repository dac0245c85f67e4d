"""The folder of all schemas, made once and kept under .cache/schemas by what it is made of."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

from gitops import tools
from gitops.schemas import crd, kubernetes
from gitops.schemas.closure import Schema, references, shared, undescribed

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
    Crds("sigs.k8s.io/gateway-api", "config/crd/standard/*.yaml", SCHEMAS),
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
        yield name, undescribed(schema)
    known = undescribed(kubernetes.definitions())
    seldon = yaml.safe_load((HERE / "seldondeployment.yaml").read_text())
    yield (
        crd.file_name("SeldonDeployment", "machinelearning.seldon.io/v1"),
        kubernetes.bundled(crd.whole(seldon), known),
    )
    roots = {name.rpartition("/")[2] for name in references(seldon) if name.startswith("pod.json#")}
    yield "pod.json", kubernetes.pod_definitions(roots)
    yield crd.file_name("GraphNode", "gitops.local/v1"), json.loads((HERE / "graphnode.json").read_text())
    for source in CRDS:
        for file in sorted(tools.module(source.module, source.folder).glob(source.glob)):
            for document in yaml.safe_load_all(file.read_text()):
                if document and document["kind"] == "CustomResourceDefinition":
                    for name, schema in crd.schemas(document):
                        yield name, kubernetes.bundled(shared(undescribed(schema)), known)


def _key() -> str:
    content = hashlib.sha256(version("kubernetes-validate").encode())
    pins = {source.folder / name for source in CRDS for name in ("go.mod", "go.sum")}
    for file in (*sorted(HERE.glob("*.*")), *sorted(pins)):
        content.update(file.read_bytes())
    return content.hexdigest()[:16]
