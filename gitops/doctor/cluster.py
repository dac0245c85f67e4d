"""The cluster of KUBECONFIG: its version, the operators that deployments need, and the namespace that they are in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitops.doctor.part import Part
from gitops.errors import DoctorFailed
from gitops.kubectl import get, kubectl
from gitops.manifests.documents import parse_objects, read_text
from gitops.manifests.site import read_site
from gitops.seal import certificate, kubeseal

CLUSTER, SEALED_SECRETS, ARGO_CD, SELDON_CORE = "cluster", "Sealed Secrets", "Argo CD", "Seldon Core"
_PAGE = "docs/install.md"
# https://github.com/SeldonIO/seldon-core/blob/v1.17.1/helm-charts/seldon-core-operator/templates
_OPERATOR = "control-plane=seldon-controller-manager"
_SELDON_VERSION = "1.17.1"
# What this repository is tested with, as docs/install.md has it.
_OLDEST, _NEWEST = (1, 24), (1, 34)
# The kinds that this repository's objects are of, and the version that they name.
_KINDS = {
    "seldondeployments.machinelearning.seldon.io": "v1",
    "sealedsecrets.bitnami.com": "v1alpha1",
    "applications.argoproj.io": "v1alpha1",
    "applicationsets.argoproj.io": "v1alpha1",
    "appprojects.argoproj.io": "v1alpha1",
}
_NAMESPACE = "base/secrets/namespace.yaml"
_ENFORCE = "pod-security.kubernetes.io/enforce"


def operators(root: Path) -> tuple[Part, ...]:
    """Return the cluster and the operators that must be in it."""
    install = f"({_PAGE}, Install the operators)"
    return (
        Part(CLUSTER, _cluster, "let KUBECONFIG lead to the cluster"),
        Part(
            SEALED_SECRETS,
            _sealed_secrets,
            "install its controller, or say where it is by SEALED_SECRETS_CONTROLLER_NAMESPACE and …_NAME "
            f"{install}",
            CLUSTER,
            remote=True,
        ),
        Part(ARGO_CD, lambda: _argo_cd(root), f"install 3.3 or newer {install}", CLUSTER, remote=True),
        Part(SELDON_CORE, _seldon_core, f"install {_SELDON_VERSION} {install}", CLUSTER, remote=True),
    )


def parts(root: Path) -> tuple[Part, ...]:
    """Return the operators, and what is known of their versions and of the namespace of the deployments."""
    return (
        *operators(root),
        Part(
            "Kubernetes",
            _kubernetes,
            f"what it refuses or drops is not known here: try `make e2e` first ({_PAGE})",
            CLUSTER,
            "warning",
            remote=True,
        ),
        Part(
            "Seldon Core's version",
            _seldon_version,
            f"what other versions render is not known here: try `make e2e` first, or install {_SELDON_VERSION}",
            SELDON_CORE,
            "warning",
            remote=True,
        ),
        Part(
            "CustomResourceDefinitions",
            _versions,
            "bring the operator that serves them, or the manifests, to the other's version",
            CLUSTER,
            "warning",
            remote=True,
        ),
        Part(
            "Pod Security",
            lambda: _pod_security(root),
            f"sync it, or have {_NAMESPACE} say what is meant: a single node meets restricted, a graph's orchestrator baseline",
            CLUSTER,
            "warning",
            remote=True,
        ),
    )


def _cluster() -> str:
    _, context = kubectl("config", "current-context")
    return f"context {context.strip()}, Kubernetes {_server_version()}"


def _server_version() -> str:
    _, text = kubectl("version", "--output", "json")
    value: Any = json.loads(text)
    for key in ("serverVersion", "gitVersion"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return str(value or "of an unknown version")


def _kubernetes() -> str:
    found = _server_version()
    match = re.match(r"v(\d+)\.(\d+)", found)
    if match is None or not _OLDEST <= (int(match[1]), int(match[2])) <= _NEWEST:
        tested = " to ".join(".".join(map(str, bound)) for bound in (_OLDEST, _NEWEST))
        raise DoctorFailed(f"is {found}: tested are {tested}")
    return found


def _sealed_secrets() -> str:
    found = certificate.check(kubeseal.fetch(""), "what the controller answers")
    return f"its certificate is valid until {found.ends:%Y-%m-%d}"


def _argo_cd(root: Path) -> str:
    namespace = read_site(root).argocd_namespace
    for kind in ("applications", "applicationsets", "appprojects"):
        if _definition(f"{kind}.argoproj.io") is None:
            raise DoctorFailed(f"the kind {kind}.argoproj.io is not there")
    # A field that came with 3.3: its own kinds say what a running Argo CD knows, wherever its image comes from.
    listed = _definition("appprojects.argoproj.io", "spec", "clusterResourceWhitelist", "items")
    if "name" not in (listed or {}).get("properties", {}):
        raise DoctorFailed(
            "is older than 3.3: AppProject has no spec.clusterResourceWhitelist[].name, and drops it without a word"
        )
    if get("namespace", namespace) is None:
        raise DoctorFailed(f"there is no namespace {namespace}, where site/site.yaml says that it is")
    return f"3.3 or newer, in the namespace {namespace}"


def _seldon_core() -> str:
    if _definition("seldondeployments.machinelearning.seldon.io") is None:
        raise DoctorFailed("the kind seldondeployments.machinelearning.seldon.io is not there")
    found = _operator()
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    return f"{image} in the namespace {found['metadata']['namespace']}"


def _operator() -> Mapping[str, Any]:
    found = get("deployments", "--all-namespaces", "--selector", _OPERATOR)
    for entry in (found or {}).get("items", ()):
        if entry.get("status", {}).get("availableReplicas"):
            return dict(entry)
    raise DoctorFailed(f"no Deployment labelled {_OPERATOR} has an available replica")


def _definition(name: str, *path: str) -> Mapping[str, Any] | None:
    """Return the CustomResourceDefinition, or what the schema of its stored version says of the field at ``path``."""
    found = get("customresourcedefinition", name)
    if found is None or not path:
        return dict(found) if found is not None else None
    (schema,) = (
        version["schema"]["openAPIV3Schema"] for version in found["spec"]["versions"] if version["storage"]
    )
    for key in path:
        schema = schema.get(key) or schema.get("properties", {}).get(key) or {}
    return dict(schema)


def _seldon_version() -> str:
    image = _operator()["spec"]["template"]["spec"]["containers"][0]["image"]
    if f":{_SELDON_VERSION}" not in image:
        raise DoctorFailed(f"the operator is {image}: tested is {_SELDON_VERSION}")
    return _SELDON_VERSION


def _versions() -> str:
    wrong = []
    for name, wanted in _KINDS.items():
        found = _definition(name)
        served = [
            entry["name"]
            for entry in (found or {"spec": {"versions": []}})["spec"]["versions"]
            if entry.get("served", True)
        ]
        if found is not None and wanted not in served:
            wrong.append(f"{name} serves {', '.join(served) or 'no version'}, and {wanted} is used")
    if wrong:
        raise DoctorFailed("; ".join(wrong))
    return "those that are there serve the versions that are used"


def _pod_security(root: Path) -> str:
    namespace, file = read_site(root).namespace, root / _NAMESPACE
    found = get("namespace", namespace)
    if found is None:
        return f"the namespace {namespace} is not there yet; the first sync makes it"
    enforced = (found["metadata"].get("labels") or {}).get(_ENFORCE, "")
    if not file.is_file():
        return f"{namespace} enforces {enforced or 'what the cluster says'}, by somebody else"
    (wanted,) = (
        entry["metadata"].get("labels", {}).get(_ENFORCE, "")
        for entry in parse_objects(read_text(file), origin=_NAMESPACE)
    )
    if enforced != wanted:
        raise DoctorFailed(
            f"{namespace} enforces {enforced or 'nothing'}, and {_NAMESPACE} says {wanted or 'nothing'}"
        )
    return f"{namespace} enforces {enforced or 'nothing'}, as {_NAMESPACE} says"
