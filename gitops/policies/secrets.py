"""Policies about secrets: referenced by name, declared, and only where they are needed."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.manifests.graphnode import INITIALIZER
from gitops.manifests.pod import Container, Pod
from gitops.manifests.provided import ANNOTATION, SERVICE_ACCOUNT
from gitops.manifests.rendered import Rendered
from gitops.manifests.secrets import SEALED, SECRET, clear_values, is_encrypted
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.manifests.unstructured import nested_list, nested_map
from gitops.policies.policy import Violation, policy, warning
from gitops.policies.references import sealed_elsewhere, secrets_of, undeclared
from gitops.redaction import credentials


@policy
def secret_value(rendered: Rendered) -> Iterator[Violation]:
    """A secret is referenced by name: its value in git is a leak."""
    for entry in rendered.objects:
        if is_encrypted(entry):
            for path in clear_values(entry):
                yield Violation(
                    title(entry),
                    f"{path} is not encrypted, though SOPS encrypted the Secret (not shown)",
                    "encrypt all of it with `sops encrypt --encrypted-regex '^(data|stringData)$'`, and replace the leaked "
                    "value",
                )
        elif entry.get("kind") == SECRET:
            yield Violation(title(entry), "is rendered with its values", "seal it, and refer to it by name")
        elif entry.get("kind") != SEALED:
            for found in credentials(entry):
                yield Violation(
                    title(entry),
                    f"{found.path} in the manifest (not shown)",
                    f"{_FIXES[found.kind]}, and replace the leaked value",
                )


_FIXES = {
    "variable": "take it from a Secret with envFrom or valueFrom.secretKeyRef",
    "data": "keep it in a Secret, and take it from there with envFrom, valueFrom.secretKeyRef or a volume",
    "argument": "take a variable from a Secret and name it here, as in $(NAME), or mount the Secret as a file",
    "address": "keep the address in a Secret, and refer to that",
}


@policy
def secret_scope(tree: Tree) -> Iterator[Violation]:
    """Only fetch sees the object store's secret, or the token of an identity: the model's code must not."""
    store = tree.site.object_store_secret if tree.site else ""
    for folder, rendered in tree.rendered.items():
        for workload in rendered.workloads:
            for container in workload.containers:
                if container.name.endswith(f"-{INITIALIZER}"):
                    continue
                if store in {found.name for found in secrets_of(workload.pod, container)}:
                    yield Violation(
                        workload.title,
                        f"{container.path} ({container.name}) refers to the Secret {store}",
                        f"remove the reference; only <node>-{INITIALIZER} needs it",
                        folder,
                    )
                for path in _token_mounts(workload.pod, container):
                    yield Violation(
                        workload.title,
                        f"{path} ({container.name}) mounts a token of the pod's service account",
                        f"remove the mount; only <node>-{INITIALIZER} needs it",
                        folder,
                    )


def _token_mounts(pod: Pod, container: Container) -> Iterator[str]:
    for mount in container.mounts:
        volume = pod.volume(mount.volume)
        if volume and any("serviceAccountToken" in source for source in volume.projected):
            yield mount.path


_ROLE, _USE = "eks.amazonaws.com/role-arn", "azure.workload.identity/use"


@warning
def identity_webhook(rendered: Rendered) -> Iterator[Violation]:
    """An identity is for fetch alone: a cloud's webhook gives its token to all containers, the model's code included."""
    for entry in rendered.objects:
        if entry.get("kind") == SERVICE_ACCOUNT and _ROLE in nested_map(entry, "metadata", "annotations"):
            yield Violation(
                title(entry),
                f"has the annotation {_ROLE}",
                "remove it, and name the role in components/workload-identity-aws, which gives the token to fetch",
            )
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for index, pod in enumerate(nested_list(predictor.raw, "componentSpecs")):
                if _USE in nested_map(pod, "metadata", "labels"):
                    yield Violation(
                        deployment.title,
                        f"{predictor.path}.componentSpecs[{index}].metadata.labels has {_USE}",
                        "remove it, and use components/workload-identity-azure, which gives the token to fetch",
                    )


@policy
def secret_declared(tree: Tree) -> Iterator[Violation]:
    """A Secret that is referred to is declared in the tree: a pod waits for ever for one that nobody makes."""
    # Of these sealed_namespace speaks.
    elsewhere = {entry["metadata"]["name"] for entry in sealed_elsewhere(tree)}
    for entry in undeclared(tree):
        found = entry.reference
        if found.kind != SECRET or (entry.keys is None and found.name in elsewhere):
            continue
        if entry.keys is None:
            yield Violation(
                entry.owner,
                f"{found.path} is the Secret {found.name}, which nothing in namespace {entry.namespace} makes",
                "correct the name, seal it (docs/secrets.md has the other ways) and list it in "
                "base/secrets/kustomization.yaml, or say that the cluster has it, here or on the Namespace, by the "
                f"annotation {ANNOTATION}: {SECRET}/{found.name}",
                entry.folder,
            )
        else:
            yield Violation(
                entry.owner,
                f"{found.path} is the key {found.key} of the Secret {found.name}, which has {', '.join(sorted(entry.keys))}",
                "correct the key, or make the Secret with it",
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
