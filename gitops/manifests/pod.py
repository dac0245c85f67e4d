"""A typed, read-only view of a PodSpec: containers, their environment, and what they mount.

Source: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.24/#podspec-v1-core (the
version that the SeldonDeployment CRD of 1.17.1 holds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops.manifests.unstructured import Unstructured


@dataclass(frozen=True)
class EnvVar:
    """A variable: its ``value``, or in ``value_from`` what it is taken from (empty for a plain value)."""

    name: str
    value: str
    value_from: Mapping[str, Any]
    path: str


@dataclass(frozen=True)
class EnvFrom:
    """All keys of a secret or of a ConfigMap as variables; the other of the two names is empty."""

    secret: str
    config_map: str
    prefix: str
    optional: bool
    path: str


@dataclass(frozen=True)
class Mount:
    """Where a container sees a volume."""

    volume: str
    mount_path: str
    sub_path: str
    read_only: bool
    path: str


@dataclass(frozen=True)
class Container:
    """A container or init container. ``command`` and ``args`` are empty where the image's own count."""

    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvVar, ...]
    env_from: tuple[EnvFrom, ...]
    mounts: tuple[Mount, ...]
    path: str
    raw: Mapping[str, Any]

    def variable(self, name: str) -> EnvVar | None:
        """Return the variable of this name; of several the last counts, as in Kubernetes."""
        return next((entry for entry in reversed(self.env) if entry.name == name), None)


@dataclass(frozen=True)
class Volume:
    """A volume: its ``kind`` (emptyDir, configMap, secret …) and what stands below that."""

    name: str
    kind: str
    source: Mapping[str, Any]
    path: str

    @property
    def projected(self) -> Sequence[Mapping[str, Any]]:
        """The sources of a projected volume, none of another kind."""
        return (self.source.get("sources") or ()) if self.kind == "projected" else ()


@dataclass(frozen=True)
class Pod:
    """A PodSpec."""

    init_containers: tuple[Container, ...]
    containers: tuple[Container, ...]
    volumes: tuple[Volume, ...]
    image_pull_secrets: tuple[str, ...]
    path: str
    raw: Mapping[str, Any]

    def container(self, name: str) -> Container | None:
        """Return the container of this name; init containers do not count."""
        return next((entry for entry in self.containers if entry.name == name), None)

    def volume(self, name: str) -> Volume | None:
        """Return the volume of this name."""
        return next((entry for entry in self.volumes if entry.name == name), None)


def read_pod(part: Unstructured) -> Pod:
    """Return the view of a PodSpec.

    Raises:
        BadManifest: it has a shape that Kubernetes does not allow.
    """
    return Pod(
        init_containers=tuple(_container(entry) for entry in part.parts("initContainers")),
        containers=tuple(_container(entry) for entry in part.parts("containers")),
        volumes=tuple(_volume(entry) for entry in part.parts("volumes")),
        image_pull_secrets=tuple(entry.text("name") for entry in part.parts("imagePullSecrets")),
        path=part.path,
        raw=part.raw,
    )


def _container(part: Unstructured) -> Container:
    return Container(
        name=part.text("name"),
        image=part.text("image"),
        command=part.texts("command"),
        args=part.texts("args"),
        env=tuple(
            EnvVar(entry.text("name"), entry.text("value", ""), entry.part("valueFrom").raw, entry.path)
            for entry in part.parts("env")
        ),
        env_from=tuple(_env_from(entry) for entry in part.parts("envFrom")),
        mounts=tuple(
            Mount(
                volume=entry.text("name"),
                mount_path=entry.text("mountPath"),
                sub_path=entry.text("subPath", ""),
                read_only=entry.flag("readOnly", False),
                path=entry.path,
            )
            for entry in part.parts("volumeMounts")
        ),
        path=part.path,
        raw=part.raw,
    )


def _env_from(part: Unstructured) -> EnvFrom:
    secret, config_map = part.part("secretRef"), part.part("configMapRef")
    return EnvFrom(
        secret=secret.text("name", ""),
        config_map=config_map.text("name", ""),
        prefix=part.text("prefix", ""),
        optional=secret.flag("optional", False) or config_map.flag("optional", False),
        path=part.path,
    )


def _volume(part: Unstructured) -> Volume:
    name = part.text("name")
    kind = next((key for key in part.raw if key != "name"), "emptyDir")
    return Volume(name=name, kind=kind, source=part.part(kind).raw, path=part.path)
