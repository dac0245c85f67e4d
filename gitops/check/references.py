"""Where pods refer to Secrets, ConfigMaps and PersistentVolumeClaims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests.pod import Container, Pod, Volume
from gitops.manifests.rendered import Rendered

SECRET, CONFIG_MAP, CLAIM = "Secret", "ConfigMap", "PersistentVolumeClaim"


@dataclass(frozen=True)
class Reference:
    """An object of ``kind`` that is referred to at ``path``, by name; ``key`` is empty where all of it is meant."""

    kind: str
    path: str
    name: str
    key: str = ""
    optional: bool = False


def references(rendered: Rendered) -> Iterator[tuple[str, str, Reference]]:
    """Yield owner, namespace and reference of every object that must be there before a pod starts."""
    for workload in rendered.workloads:
        for found in _of_pod(workload.pod):
            if not found.optional:
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
                    yield deployment.title, deployment.namespace, Reference(SECRET, path, name)


def secrets_of(pod: Pod, container: Container) -> Iterator[Reference]:
    """Yield the Secrets that a container sees: as variables or as a mounted volume."""
    for found in _of_variables(container):
        if found.kind == SECRET:
            yield found
    for mount in container.mounts:
        volume = pod.volume(mount.volume)
        for found in of_volume(volume) if volume else ():
            if found.kind == SECRET:
                yield found


def of_volume(volume: Volume) -> Iterator[Reference]:
    """Yield what a volume is made of: each key that it names, or all of it."""
    if volume.kind == "persistentVolumeClaim":
        yield Reference(CLAIM, f"{volume.path}.{volume.kind}", volume.source["claimName"])
    if volume.kind in ("secret", "configMap"):
        yield from _of_source(f"{volume.path}.{volume.kind}", volume.kind, volume.source)
    if volume.kind == "projected":
        for index, source in enumerate(volume.source.get("sources") or ()):
            for kind in ("secret", "configMap"):
                if kind in source:
                    path = f"{volume.path}.projected.sources[{index}].{kind}"
                    yield from _of_source(path, kind, source[kind])


def _of_source(path: str, kind: str, source: Mapping[str, Any]) -> Iterator[Reference]:
    # A Secret is called otherwise where it is a volume by itself.
    name = source["secretName"] if "secretName" in source else source["name"]
    keys = [entry["key"] for entry in source.get("items") or ()] or [""]
    for key in keys:
        kind_of = SECRET if kind == "secret" else CONFIG_MAP
        yield Reference(kind_of, path, name, key, bool(source.get("optional")))


def _of_variables(container: Container) -> Iterator[Reference]:
    for source in container.env_from:
        if source.secret:
            yield Reference(SECRET, f"{source.path}.secretRef", source.secret, optional=source.optional)
        if source.config_map:
            path = f"{source.path}.configMapRef"
            yield Reference(CONFIG_MAP, path, source.config_map, optional=source.optional)
    for variable in container.env:
        for field, kind in (("secretKeyRef", SECRET), ("configMapKeyRef", CONFIG_MAP)):
            key = variable.value_from.get(field)
            if key:
                path = f"{variable.path}.valueFrom.{field}"
                yield Reference(kind, path, key["name"], key["key"], bool(key.get("optional")))


def _of_pod(pod: Pod) -> Iterator[Reference]:
    for index, name in enumerate(pod.image_pull_secrets):
        yield Reference(SECRET, f"{pod.path}.imagePullSecrets[{index}]", name)
    # Those that no container mounts too: the kubelet waits for all volumes of a pod.
    for volume in pod.volumes:
        yield from of_volume(volume)
    for container in (*pod.init_containers, *pod.containers):
        yield from _of_variables(container)
