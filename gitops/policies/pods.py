"""Policies about pods: their security context, resources and probes, and what of the cluster they can reach.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from gitops.manifests.pod import Container, Pod
from gitops.manifests.provided import ANNOTATION, SERVICE_ACCOUNT
from gitops.manifests.quantity import cores, quantity
from gitops.manifests.rendered import Rendered
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy
from gitops.policies.references import undeclared

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_RESOURCES = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


@policy
def resources(rendered: Rendered) -> Iterator[Violation]:
    """A container says what it needs and how much memory it may take: otherwise one takes the node from all."""
    for workload in rendered.workloads:
        for container in workload.containers:
            given = container.raw.get("resources") or {}
            for kind, name in _RESOURCES:
                if not (given.get(kind) or {}).get(name):
                    yield Violation(
                        workload.title,
                        f"{container.path}.resources.{kind}.{name} is not set",
                        "set what the container needs, measured under load",
                    )


@policy
def model_processes(rendered: Rendered) -> Iterator[Violation]:
    """A pod has a CPU for each process of its model, and no GPU where there are several: each would take the GPU's memory."""
    for workload in rendered.workloads:
        for container in workload.pod.containers:
            variable = container.variable("SERVER_MODEL_PROCESSES")
            count = int(variable.value) if variable and variable.value.isdecimal() else 1
            if variable is None or count < 2:
                continue
            given = container.raw.get("resources") or {}
            gpus = sorted(name for name in given.get("limits") or {} if _is_device(name))
            cpus = max(quantity((given.get(kind) or {}).get("cpu")) or 0 for kind in ("requests", "limits"))
            if gpus:
                yield Violation(
                    workload.title,
                    f"{variable.path}.value is {count}, and {container.path}.resources.limits has {gpus[0]}",
                    "leave SERVER_MODEL_PROCESSES at 1, and serve by more replicas",
                )
            if cpus < count:
                yield Violation(
                    workload.title,
                    f"{variable.path}.value is {count}, and {container.path}.resources gives {cores(Decimal(cpus))} CPUs",
                    f"request {count} CPUs, or lower SERVER_MODEL_PROCESSES: on fewer they take them from each other",
                )


def _is_device(resource: str) -> bool:
    """Return whether a resource is one of a device plugin: it has a domain (nvidia.com/gpu), which is not Kubernetes' own."""
    domain, slash, _ = resource.partition("/")
    return bool(slash) and not domain.endswith("kubernetes.io")


@policy
def probes(rendered: Rendered) -> Iterator[Violation]:
    """A server has its own probes: the operator's defaults kill one that takes longer than 75 s to start."""
    for workload in rendered.workloads:
        for container in () if workload.ends else workload.pod.containers:
            for probe in _PROBES:
                if not container.raw.get(probe):
                    yield Violation(
                        workload.title,
                        f"{container.path}.{probe} is not set",
                        "ask /health/status on the port metrics for startup and readiness, /health/ping for liveness",
                    )


@policy
def service_account_token(rendered: Rendered) -> Iterator[Violation]:
    """A pod has no token of the Kubernetes API: a model's code has no business there."""
    for workload in rendered.workloads:
        if workload.pod.raw.get("automountServiceAccountToken") is not False:
            yield Violation(
                workload.title,
                f"{workload.pod.path}.automountServiceAccountToken is not false",
                "set it to false",
            )


@policy
def service_account_declared(tree: Tree) -> Iterator[Violation]:
    """The service account of a pod is declared in the tree: the API server refuses a pod without it."""
    for entry in undeclared(tree):
        found = entry.reference
        if found.kind == SERVICE_ACCOUNT:
            yield Violation(
                entry.owner,
                f"{found.path} is {found.name}, which nothing in namespace {entry.namespace} declares",
                "list ../../components/service-account in base/secrets/kustomization.yaml, correct the name, or say that the "
                f"cluster has it by the annotation {ANNOTATION}: {SERVICE_ACCOUNT}/{found.name}",
                entry.folder,
            )


@policy
def service_links(rendered: Rendered) -> Iterator[Violation]:
    """A pod has no variables of other Services: one of them could be taken for a setting of the server."""
    for workload in rendered.workloads:
        if workload.pod.raw.get("enableServiceLinks") is not False:
            yield Violation(
                workload.title, f"{workload.pod.path}.enableServiceLinks is not false", "set it to false"
            )


_PROFILES = ("RuntimeDefault", "Localhost")
_HOST = ("hostNetwork", "hostPID", "hostIPC")


@policy
def privileged(rendered: Rendered) -> Iterator[Violation]:
    """No container is privileged or may become so: it would own its node, and every pod there."""
    for owner, _, container in _containers(rendered):
        security = _security(container)
        path = f"{container.path}.securityContext"
        if security.get("privileged"):
            yield Violation(owner, f"{path}.privileged is true", "remove it; the server needs no privilege")
        if security.get("allowPrivilegeEscalation") is not False:
            yield Violation(
                owner,
                f"{path}.allowPrivilegeEscalation is {_shown(security.get('allowPrivilegeEscalation'))}",
                "set it to false",
            )


@policy
def host_access(rendered: Rendered) -> Iterator[Violation]:
    """A pod keeps to itself: through what it shares with its node it reaches all that runs there."""
    for workload in rendered.workloads:
        for field in _HOST:
            if workload.pod.raw.get(field):
                yield Violation(workload.title, f"{workload.pod.path}.{field} is true", "remove it")
        for volume in workload.pod.volumes:
            if volume.kind == "hostPath":
                yield Violation(
                    workload.title,
                    f"{volume.path} ({volume.name}) is a hostPath",
                    "use an emptyDir, or a PersistentVolumeClaim",
                )
        for container in workload.containers:
            for index, port in enumerate(container.raw.get("ports") or ()):
                if port.get("hostPort"):
                    path = f"{container.path}.ports[{index}].hostPort"
                    yield Violation(
                        workload.title, f"{path} is {port['hostPort']}", "remove it; a Service leads there"
                    )


@policy
def root_user(rendered: Rendered) -> Iterator[Violation]:
    """No container runs as root: who breaks out of it is root on the node."""
    for owner, pod, container in _containers(rendered):
        levels = (_security(container), _pod_security(pod))
        non_root = next((level["runAsNonRoot"] for level in levels if "runAsNonRoot" in level), None)
        user = next((level["runAsUser"] for level in levels if "runAsUser" in level), None)
        if non_root is not True:
            yield Violation(
                owner,
                f"{container.path}: runAsNonRoot is {_shown(non_root)}",
                f"set {pod.path}.securityContext.runAsNonRoot to true, and nothing else in the container",
            )
        if user == 0:
            yield Violation(
                owner, f"{container.path}: runAsUser is 0", "set another number, such as the base's 65532"
            )


@policy
def root_filesystem(rendered: Rendered) -> Iterator[Violation]:
    """A root file system is read-only: what runs in a container cannot change its programs."""
    for owner, _, container in _containers(rendered):
        value = _security(container).get("readOnlyRootFilesystem")
        if value is not True:
            yield Violation(
                owner,
                f"{container.path}.securityContext.readOnlyRootFilesystem is {_shown(value)}",
                "set it to true, and mount an emptyDir where the program writes",
            )


@policy
def capabilities(rendered: Rendered) -> Iterator[Violation]:
    """A container drops all capabilities and adds none: each is a part of what root may do."""
    for owner, _, container in _containers(rendered):
        found = _security(container).get("capabilities") or {}
        path = f"{container.path}.securityContext.capabilities"
        if "ALL" not in (found.get("drop") or ()):
            yield Violation(owner, f"{path}.drop is {_shown(found.get('drop'))}", "set it to [ALL]")
        if found.get("add"):
            yield Violation(owner, f"{path}.add is {_shown(found['add'])}", "remove it")


@policy
def seccomp(rendered: Rendered) -> Iterator[Violation]:
    """A container has a seccomp profile: without one it may make every system call of the node's kernel."""
    for owner, pod, container in _containers(rendered):
        levels = (_security(container), _pod_security(pod))
        profiles = [level["seccompProfile"].get("type") for level in levels if level.get("seccompProfile")]
        profile = next(iter(profiles), None)
        if profile not in _PROFILES:
            yield Violation(
                owner,
                f"{container.path}: seccompProfile.type is {_shown(profile)}",
                f"set {pod.path}.securityContext.seccompProfile.type to RuntimeDefault, "
                "and nothing else in the container",
            )


def _containers(rendered: Rendered) -> Iterator[tuple[str, Pod, Container]]:
    for workload in rendered.workloads:
        for container in workload.containers:
            yield workload.title, workload.pod, container


def _security(container: Container) -> Mapping[str, Any]:
    return container.raw.get("securityContext") or {}


def _pod_security(pod: Pod) -> Mapping[str, Any]:
    return pod.raw.get("securityContext") or {}


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)
