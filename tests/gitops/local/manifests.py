"""Pods and graphs for tests, written as in a manifest."""

from __future__ import annotations

from typing import Any

from gitops.manifests.pod import Container, Pod
from gitops.manifests.seldondeployment import Node, seldon_deployment

IMAGE = "registry.example/team/seldon-mlflow-server@sha256:0"


def pod(*, volumes: list[dict[str, Any]] | None = None, **container: Any) -> Pod:
    """Return a pod of one container ``model``, with these fields and volumes."""
    spec = {
        "volumes": volumes or [],
        "containers": [{"name": "model", "image": IMAGE, "args": ["serve"], **container}],
    }
    return _predictor({"name": "model", "type": "MODEL"}, spec).pods[0]


def container(**fields: Any) -> Container:
    return pod(**fields).containers[0]


def graph(**fields: Any) -> Node:
    return _predictor({"name": "model", "type": "MODEL", **fields}, {"containers": []}).graph


def _predictor(graph: dict[str, Any], spec: dict[str, Any]) -> Any:
    predictor = {"name": "main", "graph": graph, "componentSpecs": [{"spec": spec}]}
    return seldon_deployment(
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": {"name": "iris"},
            "spec": {"predictors": [predictor]},
        }
    ).predictors[0]
