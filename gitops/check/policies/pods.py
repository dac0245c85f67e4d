"""Policies about what a pod gets and gives: resources, probes, and nothing of the cluster that it does not need."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.check.policy import Breach, policy
from gitops.manifests.rendered import Rendered

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_RESOURCES = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


@policy
def resources(rendered: Rendered) -> Iterator[Breach]:
    """A container says what it needs and how much memory it may take: otherwise one takes the node from all."""
    for workload in rendered.workloads:
        for container in workload.containers:
            given = container.raw.get("resources") or {}
            for kind, name in _RESOURCES:
                if not (given.get(kind) or {}).get(name):
                    yield Breach(
                        workload.title,
                        f"{container.path}.resources.{kind}.{name} is not set",
                        "set what the container needs, measured under load",
                    )


@policy
def probes(rendered: Rendered) -> Iterator[Breach]:
    """A server has its own probes: the operator's defaults kill one that takes longer than 75 s to start."""
    for workload in rendered.workloads:
        for container in () if workload.ends else workload.pod.containers:
            for probe in _PROBES:
                if not container.raw.get(probe):
                    yield Breach(
                        workload.title,
                        f"{container.path}.{probe} is not set",
                        "ask /health/status on the port http for startup and readiness, /health/ping for liveness",
                    )


@policy
def service_account_token(rendered: Rendered) -> Iterator[Breach]:
    """A pod has no token of the Kubernetes API: a model's code has no business there."""
    for workload in rendered.workloads:
        if workload.pod.raw.get("automountServiceAccountToken") is not False:
            yield Breach(
                workload.title,
                f"{workload.pod.path}.automountServiceAccountToken is not false",
                "set it to false",
            )


@policy
def service_links(rendered: Rendered) -> Iterator[Breach]:
    """A pod has no variables of other Services: one of them could be taken for a setting of the server."""
    for workload in rendered.workloads:
        if workload.pod.raw.get("enableServiceLinks") is not False:
            yield Breach(
                workload.title, f"{workload.pod.path}.enableServiceLinks is not false", "set it to false"
            )
