"""The pods of a deployment: how far they are, what keeps them, and whether they are those of a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops.manifests.pod import Container, Pod

# What does not end by waiting: https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff and the kubelet's others.
_TROUBLE = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}


def ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod serves: ready, and not about to end."""
    conditions = pod["status"].get("conditions") or ()
    return not ending(pod) and any(
        entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions
    )


def ending(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def is_of(pod: Mapping[str, Any], manifest: Pod) -> bool:
    """Whether a pod in the cluster was made of ``manifest``, whatever the operator and the cluster added."""
    found = {entry["name"]: entry for entry in _containers(pod["spec"])}
    volumes = {entry["name"]: entry for entry in pod["spec"].get("volumes", ())}
    return all(
        (there := found.get(container.name)) is not None and _same(there, container)
        for container in (*manifest.init_containers, *manifest.containers)
    ) and all(
        volumes.get(volume.name, {}).get("configMap", {}).get("name") == volume.source.get("name")
        for volume in manifest.volumes
        if volume.kind == "configMap"
    )


def summary(pods: Sequence[Mapping[str, Any]], deployment: str = "") -> str:
    """Return in a line what the pods are at; their names without that of their ``deployment``."""
    names = [pod["metadata"]["name"].removeprefix(f"{deployment}-") for pod in pods]
    return ", ".join(f"{name} {_state(pod)}" for name, pod in zip(names, pods, strict=True)) or "no pod yet"


def troubles(pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what keeps pods from starting and does not pass by itself."""
    return [trouble for pod in pods if not ending(pod) for trouble in _troubles(pod)]


def _troubles(pod: Mapping[str, Any]) -> Iterator[str]:
    name = pod["metadata"]["name"]
    for condition in pod["status"].get("conditions") or ():
        if condition.get("reason") == "Unschedulable":
            yield f"{name} has no node: {condition.get('message', '')}"
    for status in _statuses(pod):
        waiting = status.get("state", {}).get("waiting", {})
        if waiting.get("reason") in _TROUBLE:
            ended = status.get("lastState", {}).get("terminated", {})
            said = (ended.get("message") or waiting.get("message") or "").strip()
            yield f"{name}, container {status['name']}: {waiting['reason']}: {said}"


def _state(pod: Mapping[str, Any]) -> str:
    if ending(pod):
        return "ends"
    if ready(pod):
        return "ready"
    for status in _statuses(pod):
        state = status.get("state", {})
        if "waiting" in state and state["waiting"].get("reason") not in (None, "PodInitializing"):
            return f"{status['name']}: {state['waiting']['reason']}"
        if "running" in state:
            return f"{status['name']} runs"
    return str(pod["status"].get("phase", "Pending")).lower()


def _statuses(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from pod["status"].get("initContainerStatuses", ())
    yield from pod["status"].get("containerStatuses", ())


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from spec.get("initContainers", ())
    yield from spec["containers"]


def _same(there: Mapping[str, Any], container: Container) -> bool:
    return there["image"] == container.image and tuple(there.get("args", ())) == container.args
