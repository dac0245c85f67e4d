"""A SeldonDeployment in a few readable lines: what the snapshots hold.

Whatever a release, a promotion or a fork's owner changes is left out: node.yaml and base show it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gitops.manifests.pod import Container, Pod
from gitops.manifests.seldondeployment import Node, Predictor, SeldonDeployment

LEFT_OUT = (
    ("sha256:[0-9a-f]{64}", "sha256:…"),
    ("fetch [^ ]+ ", "fetch … "),
    ("image [^ ]+/", "image …/"),
    # The hash of a ConfigMap's content.
    (r"(configMap name=[a-z-]+)-[a-z0-9]{10}\b", r"\1-…"),
)


def summary(deployment: SeldonDeployment) -> str:
    text = "\n".join(_deployment(deployment)) + "\n"
    for pattern, shown in LEFT_OUT:
        text = re.sub(pattern, shown, text)
    return text


def _deployment(deployment: SeldonDeployment) -> Iterator[str]:
    yield f"{deployment.title} in namespace {deployment.namespace}"
    for predictor in deployment.predictors:
        yield from _predictor(predictor)


def _predictor(predictor: Predictor) -> Iterator[str]:
    orchestrator = (
        "none"
        if predictor.no_engine
        else _resources(predictor.raw.get("svcOrchSpec", {}).get("resources", {}))
    )
    yield f"predictor {predictor.name}: replicas {predictor.replicas}, orchestrator {orchestrator}"
    yield from _node(predictor.graph, 1)
    for pod in predictor.pods:
        yield from _pod(pod)


def _node(node: Node, depth: int) -> Iterator[str]:
    parameters = ", ".join(f"{entry.name}={entry.value}" for entry in node.parameters)
    yield f"{'  ' * depth}{node.type} {node.name}: {parameters}"
    for child in node.children:
        yield from _node(child, depth + 1)


def _pod(pod: Pod) -> Iterator[str]:
    yield f"pod: pull secrets {', '.join(pod.image_pull_secrets)}"
    for volume in pod.volumes:
        yield f"  volume {volume.name}: {volume.kind} {_pairs(volume.source)}"
    for container in pod.init_containers:
        yield from _container("init container", container)
    for container in pod.containers:
        yield from _container("container", container)


def _container(kind: str, container: Container) -> Iterator[str]:
    yield f"  {kind} {container.name}: {' '.join(container.args)}"
    yield f"    image {container.image}"
    variables = [
        f"{entry.name} from {json.dumps(entry.value_from)}"
        if entry.value_from
        else f"{entry.name}={entry.value}"
        for entry in container.env
    ]
    yield f"    env {', '.join([*variables, *(f'all of {entry.secret}' for entry in container.env_from)])}"
    for mount in container.mounts:
        yield f"    mount {mount.mount_path}: {mount.volume}{', read-only' if mount.read_only else ''}"
    yield f"    resources {_resources(container.raw.get('resources', {}))}"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if probe in container.raw:
            asked = container.raw[probe]
            times = _pairs({key: value for key, value in asked.items() if key != "httpGet"})
            yield f"    {probe} {asked['httpGet']['path']} on {asked['httpGet']['port']}: {times}"


def _resources(resources: dict[str, dict[str, str]]) -> str:
    return ", ".join(f"{kind} {_pairs(amounts)}" for kind, amounts in sorted(resources.items(), reverse=True))


def _pairs(values: object) -> str:
    return (
        " ".join(f"{key}={value}" for key, value in values.items())
        if isinstance(values, dict)
        else str(values)
    )
