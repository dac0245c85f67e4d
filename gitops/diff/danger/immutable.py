"""Immutable fields: the sync fails until the object is deleted, with what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gitops.diff.danger.danger import Danger, both, transition
from gitops.diff.objects import Change
from gitops.manifests.quantity import quantity
from gitops.manifests.unstructured import nested, nested_map
from gitops.markdown import code

# https://kubernetes.io/docs/concepts/workloads/controllers/, and the validation of each kind.
FIXED: dict[str, tuple[tuple[str, ...], ...]] = {
    "PersistentVolumeClaim": (
        ("spec", "accessModes"),
        ("spec", "storageClassName"),
        ("spec", "volumeName"),
        ("spec", "volumeMode"),
        ("spec", "selector"),
        ("spec", "dataSource"),
    ),
    "Job": (("spec", "selector"), ("spec", "template"), ("spec", "completions"), ("spec", "completionMode")),
    "Deployment": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "StatefulSet": (("spec", "selector"), ("spec", "serviceName"), ("spec", "volumeClaimTemplates")),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "StorageClass": (("parameters",), ("provisioner",), ("volumeBindingMode",)),
}
_HOOK = "argocd.argoproj.io/hook"
_DELETE = "argocd.argoproj.io/hook-delete-policy"


def immutable(change: Change) -> Iterator[Danger]:
    """An immutable field that changes (of a PersistentVolumeClaim, a Job that stays, a selector, a roleRef, a ConfigMap or Secret that is immutable): it cannot be applied."""
    if (
        change.before is None
        or change.after is None
        or change.before.get("metadata", {}).get("name") != change.after.get("metadata", {}).get("name")
    ):
        return
    fixed = FIXED.get(change.kind, ())
    if change.kind == "Job" and _made_anew(change.after):
        fixed = ()
    if change.kind in ("ConfigMap", "Secret") and change.before.get("immutable") is True:
        fixed = (("data",), ("binaryData",), ("stringData",), ("immutable",))
    for path in fixed:
        old, new = nested(change.before, *path), nested(change.after, *path)
        if old != new:
            short = all(not isinstance(side, (dict, list)) for side in (old, new))
            values = f" {transition(old, new)}" if short else ""
            yield Danger(
                f"{code(change.title)}: {code('.'.join(path))}{values} is immutable: it cannot be applied",
                path[-1],
                str(new) if short else "",
            )
    yield from _shrunk(change)


def _shrunk(change: Change) -> Iterator[Danger]:
    if not both(change, "PersistentVolumeClaim"):
        return
    old, new = (
        nested_map(side, "spec", "resources", "requests").get("storage")
        for side in (change.before, change.after)
    )
    if _size(new) < _size(old):
        yield Danger(
            f"{code(change.title)}: storage {transition(old, new)}: a claim cannot shrink, so it cannot be applied",
            "storage",
            str(new),
        )


def _size(value: Any) -> Decimal:
    return quantity(value) or Decimal(0)


def _made_anew(job: Any) -> bool:
    """Whether Argo CD deletes a Job before it makes it again, as it does with hooks."""
    annotations = nested_map(job, "metadata", "annotations")
    policy = str(annotations.get(_DELETE, "BeforeHookCreation"))
    return _HOOK in annotations and ("BeforeHookCreation" in policy or "Hook" in policy)
