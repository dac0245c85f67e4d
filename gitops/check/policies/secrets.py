"""Policies about secrets: referenced by name, and only where they are needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops.check.policies.names import INITIALIZER
from gitops.check.policy import Breach, policy
from gitops.check.tree import Rendered
from gitops.manifests import title
from gitops.pods import Container, Pod

STORE_SECRET = "seldon-init-container-secret"  # noqa: S105 - the name of a Secret, not a secret
_CREDENTIAL = re.compile(r"(^|_)(SECRET|PASSWORD|TOKEN|API_KEY|ACCESS_KEY|ACCESS_KEY_ID)$", re.IGNORECASE)
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s]+:[^/@\s]+@")


@policy
def secret_value(rendered: Rendered) -> Iterator[Breach]:
    """A secret is referenced by name: its value in git is a leak."""
    for entry in rendered.objects:
        if entry.get("kind") == "Secret":
            yield Breach(title(entry), "is rendered with its values", "seal it, and refer to it by name")
    for owner, _, container in _containers(rendered):
        for variable in container.env:
            if variable.value and is_credential(variable.name, variable.value):
                yield Breach(
                    owner,
                    f"{variable.path}: {variable.name} has its value in the manifest (not shown)",
                    "take it from a Secret with envFrom or valueFrom.secretKeyRef, and replace the leaked value",
                )


@policy
def secret_scope(rendered: Rendered) -> Iterator[Breach]:
    """Only fetch sees the object store's secret: the model's code must not."""
    for owner, pod, container in _containers(rendered):
        if STORE_SECRET in _secrets(pod, container) and not container.name.endswith(f"-{INITIALIZER}"):
            yield Breach(
                owner,
                f"{container.path} ({container.name}) refers to the Secret {STORE_SECRET}",
                f"remove the reference; only <node>-{INITIALIZER} needs it",
            )


def is_credential(name: str, value: str) -> bool:
    """Whether a variable looks like one that nobody but its reader may see: by its name, or a password in its URL."""
    return bool(_CREDENTIAL.search(name) or _URL_WITH_PASSWORD.search(value))


def _containers(rendered: Rendered) -> Iterator[tuple[str, Pod, Container]]:
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for pod in predictor.pods:
                for container in (*pod.init_containers, *pod.containers):
                    yield deployment.title, pod, container


def _secrets(pod: Pod, container: Container) -> set[str]:
    """Return the names of the Secrets that a container sees: as variables or as a mounted volume."""
    names = {entry.secret for entry in container.env_from}
    names |= {entry.value_from.get("secretKeyRef", {}).get("name", "") for entry in container.env}
    for mount in container.mounts:
        volume = pod.volume(mount.volume)
        if volume is not None and volume.kind == "secret":
            names.add(volume.source.get("secretName", ""))
    return names - {""}
