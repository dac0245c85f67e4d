"""Where Secrets are referred to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops.check.rendered import Rendered
from gitops.pods import Container, Pod


@dataclass(frozen=True)
class SecretReference:
    """A Secret that is referred to at ``path``, by name; ``key`` is empty where all of it is meant."""

    path: str
    name: str
    key: str = ""
    optional: bool = False


def references(rendered: Rendered) -> Iterator[tuple[str, str, SecretReference]]:
    """Yield owner, namespace and reference of every Secret that must be there."""
    for workload in rendered.workloads:
        for found in _of_pod(workload.pod):
            yield workload.title, workload.namespace, found
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            named = [
                (f"{node.path}.envSecretRefName", node.raw.get("envSecretRefName"))
                for node in predictor.graph.walk()
            ]
            ssl = predictor.raw.get("ssl") or {}
            named.append((f"{predictor.path}.ssl.certSecretName", ssl.get("certSecretName")))
            for path, name in named:
                if name:
                    yield deployment.title, deployment.namespace, SecretReference(path, name)


def secrets_of(pod: Pod, container: Container) -> Iterator[SecretReference]:
    """Yield the Secrets that a container sees: as variables or as a mounted volume."""
    for source in container.env_from:
        if source.secret:
            yield SecretReference(f"{source.path}.secretRef", source.secret, optional=source.optional)
    for variable in container.env:
        key = variable.value_from.get("secretKeyRef")
        if key:
            path = f"{variable.path}.valueFrom.secretKeyRef"
            yield SecretReference(path, key["name"], key["key"], bool(key.get("optional")))
    for mount in container.mounts:
        volume = pod.volume(mount.volume)
        if volume is None:
            continue
        if volume.kind == "secret":
            optional = bool(volume.source.get("optional"))
            yield SecretReference(f"{volume.path}.secret", volume.source["secretName"], optional=optional)
        if volume.kind == "projected":
            for index, source in enumerate(volume.source.get("sources") or ()):
                if "secret" in source:
                    path = f"{volume.path}.projected.sources[{index}].secret"
                    optional = bool(source["secret"].get("optional"))
                    yield SecretReference(path, source["secret"]["name"], optional=optional)


def _of_pod(pod: Pod) -> Iterator[SecretReference]:
    for index, name in enumerate(pod.image_pull_secrets):
        yield SecretReference(f"{pod.path}.imagePullSecrets[{index}]", name)
    for container in (*pod.init_containers, *pod.containers):
        for found in secrets_of(pod, container):
            if not found.optional:
                yield found
