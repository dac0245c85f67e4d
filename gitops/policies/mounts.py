"""Policies about what pods mount: declared with them, and of a size that the API server takes."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.manifests.documents import read_text
from gitops.manifests.pod import Container, Pod
from gitops.manifests.provided import ANNOTATION, CONFIG_MAP
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy, warning
from gitops.policies.references import CLAIM, of_volume, undeclared
from server.environment import requirements_lock

# Of the data of a ConfigMap: https://kubernetes.io/docs/concepts/configuration/configmap/
MOST_BYTES = 1024**2
_LOCK = "ENVIRONMENT_LOCK"
_SPLIT = "render fewer rows into it, or let the pod fetch what is large from the object store"


@policy
def mount_declared(tree: Tree) -> Iterator[Violation]:
    """A ConfigMap or PersistentVolumeClaim that a pod needs is declared in the tree: it waits for ever for one that nobody makes."""
    for entry in undeclared(tree):
        found = entry.reference
        if found.kind not in (CONFIG_MAP, CLAIM):
            continue
        if entry.keys is None:
            yield Violation(
                entry.owner,
                f"{found.path} is the {found.kind} {found.name}, which nothing in namespace {entry.namespace} declares",
                _fix(found.kind, found.name),
                entry.folder,
            )
        else:
            yield Violation(
                entry.owner,
                f"{found.path} is the key {found.key} of the {found.kind} {found.name}, which has "
                f"{', '.join(sorted(entry.keys)) or 'none'}",
                "correct the key, or add it to what makes the ConfigMap",
                entry.folder,
            )


@policy
def lock_mounted(tree: Tree) -> Iterator[Violation]:
    """A requirements.lock is mounted where it is read: pods start without it, and resolve their requirements anew."""
    for folder, rendered in tree.rendered.items():
        file = tree.root / folder / requirements_lock.FILE
        if rendered.node is None or not file.is_file():
            continue
        text = read_text(file)
        for workload in rendered.workloads:
            for container in workload.containers:
                message = _not_mounted(rendered, workload.pod, container, text)
                if message:
                    yield Violation(
                        workload.title,
                        message,
                        f"list it in kustomization.yaml: configMapGenerator: [{{name: {rendered.node.node}-requirements, "
                        f"files: [{requirements_lock.FILE}]}}]",
                        folder,
                    )


def _not_mounted(rendered: Rendered, pod: Pod, container: Container, text: str) -> str:
    """Return what is wrong with where a container reads the lock ``text``, empty where it reads that or none."""
    variable = container.variable(_LOCK)
    if variable is None:
        return ""
    folder, _, key = variable.value.rpartition("/")
    mount = next((entry for entry in container.mounts if entry.mount_path.rstrip("/") == folder), None)
    volume = pod.volume(mount.volume) if mount else None
    names = {found.name for found in of_volume(volume)} if volume else set()
    for entry in rendered.objects:
        named = entry.get("kind") == CONFIG_MAP and entry["metadata"]["name"] in names
        if named and (entry.get("data") or {}).get(key) == text:
            return ""
    return f"{variable.path} ({_LOCK} of {container.name}) is {variable.value}, and no ConfigMap puts this folder's {requirements_lock.FILE} there"


@policy
def config_map_size(rendered: Rendered) -> Iterator[Violation]:
    """A ConfigMap has up to 1 MiB of data: the API server refuses a larger one."""
    for entry, size in _sizes(rendered):
        if size > MOST_BYTES:
            yield Violation(title(entry), f"has {size} bytes of data: {_shares(entry)}", _SPLIT)


@warning
def config_map_growth(rendered: Rendered) -> Iterator[Violation]:
    """A ConfigMap has less than half of the 1 MiB that it may have: the next change could be refused."""
    for entry, size in _sizes(rendered):
        if MOST_BYTES // 2 < size <= MOST_BYTES:
            yield Violation(title(entry), f"has {size} bytes of data: {_shares(entry)}", _SPLIT)


def _fix(kind: str, name: str) -> str:
    made = "under configMapGenerator" if kind == CONFIG_MAP else "as a resource"
    return (
        f"correct the name, declare it {made} in kustomization.yaml, or say that the cluster has it by the annotation "
        f"{ANNOTATION}: {kind}/{name}"
    )


def _sizes(rendered: Rendered) -> Iterator[tuple[Mapping[str, Any], int]]:
    for entry in rendered.objects:
        if entry.get("kind") == CONFIG_MAP:
            yield entry, sum(_bytes(entry).values())


def _shares(entry: Mapping[str, Any]) -> str:
    ordered = sorted(_bytes(entry).items(), key=lambda pair: -pair[1])
    return ", ".join(f"{key} {size}" for key, size in ordered[:3])


def _bytes(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the size of each value in bytes."""
    texts = {key: len(str(value).encode()) for key, value in (entry.get("data") or {}).items()}
    binary = {key: len(base64.b64decode(value)) for key, value in (entry.get("binaryData") or {}).items()}
    return {**texts, **binary}
