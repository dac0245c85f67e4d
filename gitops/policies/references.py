"""References of pods to Secrets, ConfigMaps and PersistentVolumeClaims, and whether something declares them.

What the cluster has already is named by an annotation of the object that refers to it, each by its kind:
gitops.local/provided-by-cluster: "Secret/x ConfigMap/y".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests.pod import Container, Pod, Volume
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.seldondeployment import DEFAULT_NAMESPACE, title
from gitops.manifests.tree import Tree

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


ANNOTATION = "gitops.local/provided-by-cluster"
# In every namespace: https://kubernetes.io/docs/concepts/configuration/configmap/
_ALWAYS = (CONFIG_MAP, "kube-root-ca.crt")


def provided_by_cluster(rendered: Rendered) -> set[tuple[str, str, str]]:
    """Return whose (kind and name), of which kind and by which name the cluster has what is referred to."""
    found = set()
    for entry in rendered.objects:
        owner = title(entry)
        found.add((owner, *_ALWAYS))
        annotations = (entry.get("metadata") or {}).get("annotations") or {}
        for named in str(annotations.get(ANNOTATION, "")).replace(",", " ").split():
            kind, _, name = named.partition("/")
            found.add((owner, kind, name))
    return found


SEALED = "SealedSecret"


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
    declared = _declared(tree)
    # What did not build might declare it.
    for folder, rendered in tree.rendered.items() if tree.complete else ():
        if folder == BASE:
            continue
        cluster = provided_by_cluster(rendered)
        for owner, namespace, found in references(rendered):
            if (owner, found.kind, found.name) in cluster:
                continue
            keys = declared.get((found.kind, namespace, found.name))
            if keys is None or (found.key and found.key not in keys):
                yield Undeclared(folder, owner, namespace, found, None if keys is None else frozenset(keys))


def _declared(tree: Tree) -> Mapping[tuple[str, str, str], set[str]]:
    """Return the keys of all that the tree makes, by kind, namespace and name; a SealedSecret makes a Secret."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for rendered in tree.rendered.values():
        for entry in rendered.objects:
            metadata, kind = entry["metadata"], str(entry.get("kind"))
            at = (
                SECRET if kind == SEALED else kind,
                metadata.get("namespace", DEFAULT_NAMESPACE),
                metadata["name"],
            )
            found.setdefault(at, set()).update(_keys(entry))
    return found


def _keys(entry: Mapping[str, Any]) -> set[str]:
    spec = entry.get("spec") or {}
    sources = [entry.get(key) for key in ("data", "binaryData", "stringData")]
    if entry.get("kind") == SEALED:
        sources += [spec.get("encryptedData"), spec.get("template", {}).get("data")]
    return {key for source in sources for key in source or ()}
