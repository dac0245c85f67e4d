"""References of pods to Secrets, ConfigMaps, PersistentVolumeClaims and ServiceAccounts, and whether something declares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests.pod import Container, Pod, Volume
from gitops.manifests.provided import (
    CONFIG_MAP,
    SERVICE_ACCOUNT,
    provided_by_cluster,
    provided_in_namespace,
)
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.secrets import SEALED, SECRET, source_of_secret
from gitops.manifests.seldondeployment import DEFAULT_NAMESPACE
from gitops.manifests.tree import Tree

CLAIM = "PersistentVolumeClaim"


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


def sealed_elsewhere(tree: Tree) -> list[Mapping[str, Any]]:
    """Return the SealedSecrets of base/secrets that are sealed for another namespace than site.yaml says."""
    secrets = tree.rendered.get(f"{BASE}/secrets")
    return [
        entry
        for entry in (secrets.objects if secrets else ())
        if entry.get("kind") == SEALED
        and tree.site
        and entry["metadata"].get("namespace") != tree.site.namespace
    ]


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
    if pod.raw.get("serviceAccountName"):
        yield Reference(SERVICE_ACCOUNT, f"{pod.path}.serviceAccountName", pod.raw["serviceAccountName"])
    for index, name in enumerate(pod.image_pull_secrets):
        yield Reference(SECRET, f"{pod.path}.imagePullSecrets[{index}]", name)
    # Those that no container mounts too: the kubelet waits for all volumes of a pod.
    for volume in pod.volumes:
        yield from of_volume(volume)
    for container in (*pod.init_containers, *pod.containers):
        yield from _of_variables(container)


@dataclass(frozen=True)
class Undeclared:
    """A reference of ``owner`` in ``folder`` whose object is not declared, or has not its key.

    ``keys`` are those that the object has, None where there is no such object in ``namespace``.
    """

    folder: str
    owner: str
    namespace: str
    reference: Reference
    keys: frozenset[str] | None


def undeclared(tree: Tree) -> Iterator[Undeclared]:
    """Yield the references that must be there before a pod starts, and that neither the tree nor the cluster has."""
    # A component that nothing uses declares nothing for the others, and may lean on another such.
    used = [rendered for folder, rendered in tree.rendered.items() if folder not in tree.compositions]
    declared, available = _declared(used), _declared(tree.rendered.values())
    in_namespace = provided_in_namespace(tree)
    # What did not build might declare it.
    for folder, rendered in tree.rendered.items() if tree.complete else ():
        if folder == BASE:
            continue
        cluster = provided_by_cluster(rendered)
        own = available if folder in tree.compositions else declared
        for owner, namespace, found in references(rendered):
            at = (namespace, found.kind, found.name)
            if (owner, found.kind, found.name) in cluster or at in in_namespace:
                continue
            if at not in own:
                yield Undeclared(folder, owner, namespace, found, None)
                continue
            keys = own[at]
            if keys is not None and found.key and found.key not in keys:
                yield Undeclared(folder, owner, namespace, found, keys)


def _declared(used: Iterable[Rendered]) -> dict[tuple[str, str, str], frozenset[str] | None]:
    """Return the keys of all that ``used`` makes, by namespace, kind and name; None where they are not known."""
    found: dict[tuple[str, str, str], frozenset[str] | None] = {}
    for rendered in used:
        for entry in rendered.objects:
            secret = source_of_secret(entry)
            if secret is not None:
                at, keys = (secret.namespace, SECRET, secret.name), secret.keys
            else:
                metadata = entry["metadata"]
                at = (metadata.get("namespace", DEFAULT_NAMESPACE), str(entry.get("kind")), metadata["name"])
                keys = frozenset(key for field in ("data", "binaryData") for key in entry.get(field) or ())
            before = found.get(at, frozenset())
            found[at] = None if before is None or keys is None else before | keys
    return found
