"""Policies about secrets: referenced by name, declared, and only where they are needed."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.manifests.graphnode import INITIALIZER
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy
from gitops.policies.references import ANNOTATION, SEALED, SECRET, secrets_of, undeclared
from gitops.redaction import is_credential
from gitops.seal.secrets import STORE


@policy
def secret_value(rendered: Rendered) -> Iterator[Violation]:
    """A secret is referenced by name: its value in git is a leak."""
    for entry in rendered.objects:
        if entry.get("kind") == "Secret":
            yield Violation(title(entry), "is rendered with its values", "seal it, and refer to it by name")
    for workload in rendered.workloads:
        for container in workload.containers:
            for variable in container.env:
                if variable.value and is_credential(variable.name, variable.value):
                    yield Violation(
                        workload.title,
                        f"{variable.path}: {variable.name} has its value in the manifest (not shown)",
                        "take it from a Secret with envFrom or valueFrom.secretKeyRef, and replace the leaked value",
                    )


@policy
def secret_scope(rendered: Rendered) -> Iterator[Violation]:
    """Only fetch sees the object store's secret: the model's code must not."""
    for workload in rendered.workloads:
        for container in workload.containers:
            names = {found.name for found in secrets_of(workload.pod, container)}
            if STORE.name in names and not container.name.endswith(f"-{INITIALIZER}"):
                yield Violation(
                    workload.title,
                    f"{container.path} ({container.name}) refers to the Secret {STORE.name}",
                    f"remove the reference; only <node>-{INITIALIZER} needs it",
                )


@policy
def secret_declared(tree: Tree) -> Iterator[Violation]:
    """A Secret that is referred to is declared in the tree: a pod waits for ever for one that nobody makes."""
    for entry in undeclared(tree):
        found = entry.reference
        if found.kind != SECRET:
            continue
        if entry.keys is None:
            yield Violation(
                entry.owner,
                f"{found.path} is the Secret {found.name}, and no SealedSecret in namespace {entry.namespace} makes it",
                "correct the name, seal it (docs/secrets.md) and list it in base/secrets/kustomization.yaml, or say that "
                f"the cluster has it by the annotation {ANNOTATION}: {SECRET}/{found.name}",
                entry.folder,
            )
        else:
            yield Violation(
                entry.owner,
                f"{found.path} is the key {found.key} of the Secret {found.name}, which has {', '.join(sorted(entry.keys))}",
                "correct the key, or seal the Secret again with it",
                entry.folder,
            )


@policy
def sealed_scope(rendered: Rendered) -> Iterator[Violation]:
    """A SealedSecret is sealed for its own name and namespace only: elsewhere nobody can open it."""
    for entry in rendered.objects:
        if entry.get("kind") != SEALED:
            continue
        metadata = entry.get("metadata") or {}
        template = (entry.get("spec") or {}).get("template", {}).get("metadata") or {}
        for found in (metadata, template):
            for name in found.get("annotations") or {}:
                if name in (
                    "sealedsecrets.bitnami.com/cluster-wide",
                    "sealedsecrets.bitnami.com/namespace-wide",
                ):
                    yield Violation(
                        title(entry), f"has the annotation {name}", "seal it again with `make seal`"
                    )
        for field in ("name", "namespace"):
            value, sealed = metadata.get(field), template.get(field)
            if value != sealed:
                yield Violation(
                    title(entry),
                    f"metadata.{field} is {value}, it was sealed for {sealed}",
                    "remove what changes it (namePrefix, nameSuffix, namespace), or seal it again for it",
                )
