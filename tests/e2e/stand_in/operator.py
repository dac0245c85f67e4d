"""A stand-in for Seldon's operator, beside the tests: what tests/cluster/operator.py renders, applied, and the status.

It watches the SeldonDeployments of all namespaces. The orchestrator of a graph is a stand-in too, and like the real one it
drops no capability, so that a namespace that enforces "restricted" refuses its pod.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gitops.local import routes
from gitops.local.overlay import LocalOverlay
from gitops.manifests.seldondeployment import seldon_deployment
from tests.cluster import operator
from tests.cluster.kubectl import ClusterError, apply, kubectl
from tests.e2e.deployment import KIND

INTERVAL_SECONDS = 1.0
CODE = Path(__file__).with_name("orchestrator.py").read_text()
# As the operator writes them (there is no observedGeneration).
AVAILABLE = {"state": "Available", "conditions": [{"type": "Ready", "status": "True"}]}
CREATING = {
    "state": "Creating",
    "conditions": [{"type": "Ready", "status": "False", "reason": "MinimumReplicasUnavailable"}],
}


@contextmanager
def watching(orchestrator: str) -> Iterator[None]:
    """Be the operator beside the block; ``orchestrator`` is the image of the orchestrator's stand-in."""
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(orchestrator, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def objects(entry: dict[str, Any], orchestrator: str) -> list[dict[str, Any]]:
    """Return what the operator makes of a SeldonDeployment in the cluster."""
    deployment = seldon_deployment(entry)
    (predictor,) = deployment.predictors
    overlay = LocalOverlay(Path(deployment.name), deployment, predictor, (), {})
    made = operator.objects(overlay, replicas=predictor.replicas)
    if not predictor.no_engine:
        made += _orchestrated(overlay, made, orchestrator)
    owner = {key: entry[key] for key in ("apiVersion", "kind")} | {
        key: entry["metadata"][key] for key in ("name", "uid")
    }
    for one in made:
        one["metadata"] |= {"namespace": deployment.namespace, "ownerReferences": [owner]}
    return made


def _orchestrated(overlay: LocalOverlay, made: list[dict[str, Any]], image: str) -> list[dict[str, Any]]:
    """Put the orchestrator into the first pod, and return its Service."""
    prefix = f"{overlay.deployment.name}-{overlay.predictor.name}"
    numbers = {container.name: i for i, container in enumerate(overlay.predictor.containers)}
    beside = {container.name for container in overlay.predictor.pods[0].containers}
    # The Service of its own pod leads nowhere before that is ready.
    hosts = {name: "127.0.0.1" if name in beside else f"{prefix}-{name}" for name in numbers}
    nodes = {name: f"http://{hosts[name]}:{operator.ports(number).http}" for name, number in numbers.items()}
    calls = [(call.node, call.path) for call in routes.calls(overlay.predictor.graph)]
    first = next(entry for entry in made if entry["kind"] == "Deployment")["spec"]["template"]
    label = {"orchestrates": prefix}
    first["metadata"]["labels"] = first["metadata"]["labels"] | label
    first["spec"]["containers"].append(
        {
            "name": "seldon-container-engine",
            "image": image,
            "command": ["python", "-I", "-c", CODE],
            "env": [
                {"name": "NODES", "value": json.dumps(nodes)},
                {"name": "CALLS", "value": json.dumps(calls)},
            ],
            "ports": [
                {"name": "engine", "containerPort": 8000},
                {"name": "engine-grpc", "containerPort": 5001},
            ],
            "readinessProbe": {"httpGet": {"port": "engine", "path": "/ready"}, "periodSeconds": 2},
            "securityContext": {"allowPrivilegeEscalation": False},
        }
    )
    ports = [
        {"name": "http", "port": 8000, "targetPort": "engine"},
        {"name": "grpc", "port": 5001, "targetPort": "engine-grpc"},
    ]
    service = {"selector": label, "ports": ports}
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": prefix}, "spec": service}]


def _watch(orchestrator: str, ended: threading.Event) -> None:
    seen: dict[str, int] = {}
    while not ended.wait(INTERVAL_SECONDS):
        try:
            listed = json.loads(kubectl("get", KIND, "--all-namespaces", "--output", "json"))["items"]
            for entry in listed:
                _reconcile(entry, orchestrator, seen)
        except ClusterError:
            # What is being deleted takes no changes; the next round sees what is left.
            continue


def _reconcile(entry: dict[str, Any], orchestrator: str, seen: dict[str, int]) -> None:
    metadata = entry["metadata"]
    if seen.get(metadata["uid"]) != metadata["generation"]:
        apply(*objects(entry, orchestrator))
        seen[metadata["uid"]] = metadata["generation"]
    listed = json.loads(
        kubectl(
            *("--namespace", metadata["namespace"], "get", "deployments", "--output", "json"),
            *("--selector", f"seldon-deployment-id={metadata['name']}"),
        )
    )["items"]
    status = AVAILABLE if listed and all(_available(one) for one in listed) else CREATING
    if entry.get("status", {}).get("state") != status["state"]:
        kubectl(
            *("--namespace", metadata["namespace"], "patch", KIND, metadata["name"], "--subresource=status"),
            *("--type=merge", "--patch", json.dumps({"status": status})),
        )


def _available(deployment: dict[str, Any]) -> bool:
    conditions = deployment.get("status", {}).get("conditions") or ()
    return any(entry["type"] == "Available" and entry["status"] == "True" for entry in conditions)
