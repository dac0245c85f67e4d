"""What the cluster must have, since nothing of it is installed here: Seldon Core, Sealed Secrets, Argo CD."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import ClusterError, kubectl
from tests.e2e import versions
from tests.e2e.errors import E2eError

# https://github.com/SeldonIO/seldon-core/blob/v1.17.1/helm-charts/seldon-core-operator/templates
OPERATOR = "control-plane=seldon-controller-manager"
_VERSION = "app.kubernetes.io/version"


@dataclass(frozen=True)
class Part:
    """A part that must be there, known by the kinds that it brings, and ``how`` to install it."""

    name: str
    kinds: tuple[str, ...]
    how: str


PARTS = (
    Part(
        "Seldon Core 1.17",
        ("seldondeployments.machinelearning.seldon.io",),
        versions.shown(versions.SELDON_CORE_COMMANDS),
    ),
    Part("Sealed Secrets", ("sealedsecrets.bitnami.com",), versions.shown(versions.SEALED_SECRETS_COMMANDS)),
    Part(
        "Argo CD",
        ("applications.argoproj.io", "applicationsets.argoproj.io"),
        versions.shown(versions.ARGO_CD_COMMANDS),
    ),
)


@dataclass(frozen=True)
class Operator:
    """Seldon's operator: its version, and the Gateway of Istio (namespace/name) that it makes routes for, or none."""

    version: str
    istio_gateway: str


def check() -> Operator:
    """Return the operator once all that must be there is.

    Raises:
        E2eError: something is missing, of another version, or does not run; the message names all that is.
        ClusterError: the cluster does not answer.
    """
    try:
        listed = kubectl("get", "customresourcedefinitions", "--output", "name").split()
    except ClusterError as error:
        raise E2eError(
            f"the cluster does not answer, or not to this account ({error}): see whether `kubectl cluster-info` does"
        ) from error
    missing(name.partition("/")[2] for name in listed)
    found = kubectl("get", "deployments", "--all-namespaces", "--selector", OPERATOR, "--output", "json")
    return operator(json.loads(found)["items"])


def missing(kinds: Iterable[str]) -> None:
    """Refuse a cluster with these ``kinds`` where a part's are not among them.

    Raises:
        E2eError: as said.
    """
    there = set(kinds)
    lacking = [part for part in PARTS if not there.issuperset(part.kinds)]
    if lacking:
        said = "".join(f"\n  {part.name}: {part.how}" for part in lacking)
        raise E2eError(
            f"the cluster lacks {', '.join(part.name for part in lacking)}; nothing is installed here. To install:{said}"
        )


def operator(deployments: Iterable[Mapping[str, Any]]) -> Operator:
    """Return Seldon's operator from the Deployments that are labelled as it is.

    Raises:
        E2eError: there is none, it is of another version, does not run, or does not watch all namespaces.
    """
    found = list(deployments)
    if not found:
        raise E2eError(
            f"no Deployment is labelled {OPERATOR}: Seldon's operator is not there. {versions.shown(versions.SELDON_CORE_COMMANDS)}"
        )
    if len(found) > 1:
        places = ", ".join(f"{entry['metadata']['namespace']}/{entry['metadata']['name']}" for entry in found)
        raise E2eError(f"several Deployments are labelled {OPERATOR} ({places}): leave one operator")
    (deployment,) = found
    title = f"operator {deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    version = _version(deployment, container)
    if not re.match(r"1\.17(\.|$)", version):
        raise E2eError(
            f"{title} is of version {version or 'unknown'} (image {container['image']}): must be 1.17, the last whose "
            "licence is Apache-2.0"
        )
    if not deployment.get("status", {}).get("availableReplicas"):
        raise E2eError(f"{title} has no available replica: kubectl describe it and see why")
    environ = {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}
    only = environ.get("WATCH_NAMESPACE") or next(
        (text for arg in container.get("args", ()) if (text := arg.removeprefix("--namespace=")) != arg), ""
    )
    if only:
        raise E2eError(f"{title} watches the namespace {only} only: must watch all (singleNamespace=false)")
    istio = environ.get("ISTIO_ENABLED", "").lower() == "true"
    return Operator(version, environ.get("ISTIO_GATEWAY", "") if istio else "")


def _version(deployment: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """Return the version that the image's tag says, else the one of the chart's label."""
    tag = str(container["image"]).partition("@")[0].rpartition("/")[2].partition(":")[2]
    labels = deployment["metadata"].get("labels") or {}
    return tag if re.match(r"\d+\.\d+", tag) else str(labels.get(_VERSION, ""))
