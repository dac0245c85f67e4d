"""What Seldon's operator makes of a rendered SeldonDeployment: a Deployment per pod, and Services.

The orchestrator is left out: it is no part of this project, and a test sends the requests of a graph itself.
Source: operator/controllers/seldondeployment_controller.go of Seldon Core 1.17.1.
"""

from __future__ import annotations

import copy
from typing import Any

from gitops.local import operator
from gitops.local.operator import Ports
from gitops.local.overlay import LocalOverlay
from gitops.manifests.pod import Container, Pod

PODINFO = {
    "name": "seldon-podinfo",
    "downwardAPI": {
        "items": [
            {"path": "annotations", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.annotations"}}
        ]
    },
}


def objects(overlay: LocalOverlay, *, replicas: int = 1) -> list[dict[str, Any]]:
    """Return the ConfigMaps, Deployments and Services of ``overlay``, without a namespace."""
    prefix = f"{overlay.deployment.name}-{overlay.predictor.name}"
    made: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}
        for name, data in overlay.config_maps.items()
    ]
    numbers = {container.name: i for i, container in enumerate(overlay.predictor.containers)}
    for i, pod in enumerate(overlay.predictor.pods):
        first = pod.containers[0]
        labels = {"seldon-deployment-id": overlay.deployment.name, "seldon-app": f"{prefix}-{first.name}"}
        given = ports(numbers[first.name])
        made.append(_deployment(f"{prefix}-{i}-{first.name}", labels, _spec(overlay, pod, numbers), replicas))
        made.append(_service(f"{prefix}-{first.name}", labels, given))
        if overlay.predictor.no_engine:
            made.append(_service(prefix, labels, given))
    return made


def ports(number: int) -> Ports:
    """Return the ports of a predictor's container, counted from 0."""
    return Ports(http=9000 + number, grpc=9500 + number, metrics=6000 + number)


def _spec(overlay: LocalOverlay, pod: Pod, numbers: dict[str, int]) -> dict[str, Any]:
    spec: dict[str, Any] = copy.deepcopy(dict(pod.raw))
    for raw, container in zip(spec["containers"], pod.containers, strict=True):
        given = ports(numbers[container.name])
        raw["env"] = [*raw.get("env", []), *_environment(overlay, container, given)]
        raw["ports"] = [
            {"name": "http", "containerPort": given.http},
            {"name": "grpc", "containerPort": given.grpc},
            {"name": "metrics", "containerPort": given.metrics},
        ]
        raw["volumeMounts"] = [
            *raw.get("volumeMounts", []),
            {"name": PODINFO["name"], "mountPath": "/etc/podinfo"},
        ]
    spec["volumes"] = [*spec.get("volumes", []), PODINFO]
    return spec


def _environment(overlay: LocalOverlay, container: Container, given: Ports) -> list[dict[str, str]]:
    made = operator.variables(overlay.deployment, overlay.predictor, container, given, {})
    return [{"name": name, "value": value} for name, value in made.items()]


def _deployment(name: str, labels: dict[str, str], spec: dict[str, Any], replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _service(name: str, labels: dict[str, str], given: Ports) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": labels,
            "ports": [
                {"name": "http", "port": given.http, "targetPort": "http"},
                {"name": "grpc", "port": given.grpc, "targetPort": "grpc"},
            ],
        },
    }
