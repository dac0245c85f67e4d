"""The first lines of the report: how many deployments change, which pods restart, and what resources they request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gitops.diff.change import KustomizationChange
from gitops.diff.objects import Change
from gitops.manifests.pod import Container, Pod
from gitops.manifests.quantity import cores, quantity, size
from gitops.manifests.seldondeployment import KIND, Predictor, SeldonDeployment, seldon_deployment
from gitops.markdown import code, joined

_GPU = ".com/gpu"
# What changes of a predictor without another pod.
_QUIET = ("replicas", "traffic")


@dataclass(frozen=True)
class ResourceRequests:
    """The resources that pods request: ``cpu`` in cores, ``memory`` and ``storage`` in bytes, ``gpu`` in devices."""

    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    gpu: Decimal = Decimal(0)
    storage: Decimal = Decimal(0)

    def __add__(self, other: ResourceRequests) -> ResourceRequests:
        return ResourceRequests(
            self.cpu + other.cpu,
            self.memory + other.memory,
            self.gpu + other.gpu,
            self.storage + other.storage,
        )

    def times(self, number: int) -> ResourceRequests:
        """Return the requests of ``number`` replicas."""
        return ResourceRequests(
            *(value * number for value in (self.cpu, self.memory, self.gpu, self.storage))
        )

    def most(self, other: ResourceRequests) -> ResourceRequests:
        """Return the larger of each: init containers run before the others, and what they had is free again."""
        return ResourceRequests(
            max(self.cpu, other.cpu),
            max(self.memory, other.memory),
            max(self.gpu, other.gpu),
            max(self.storage, other.storage),
        )


def summary(changes: Sequence[KustomizationChange]) -> Iterator[str]:
    """Yield, as Markdown of a line each, how many deployments change, which pods restart, and what is asked for.

    Args:
        changes: those that Argo CD applies.
    """
    found = [
        entry.change
        for change in changes
        if not change.failures
        for entry in change.objects
        if entry.change.kind == KIND and entry.change.before != entry.change.after
    ]
    states = [_state(entry) for entry in found]
    unknown = [change.folder for change in changes if change.failures]
    known = f"{states.count('changed')} change, {states.count('new')} new, {states.count('gone')} gone"
    if unknown:
        known += f"; of {joined([code(folder) for folder in unknown], 3)} nobody knows"
    yield f"**Deployments:** {known}"
    yield f"**Pods:** {_restarts(found)}"
    objects = [entry.change for change in changes if not change.failures for entry in change.objects]
    yield f"**Asked for, of what changes:** {_requests_line(objects)}"


def _state(change: Change) -> str:
    return "new" if change.before is None else "gone" if change.after is None else "changed"


def _restarts(found: Iterable[Change]) -> str:
    restarts, starts, ends, alone = 0, 0, 0, []
    for change in found:
        old, new = (seldon_deployment(side) if side else None for side in (change.before, change.after))
        if old and new:
            pods = restarted(old, new)
            restarts += sum(pods)
            if 1 in pods:
                alone.append(code(new.name))
        more = _pods(new) - _pods(old)
        starts, ends = starts + max(more, 0), ends + max(-more, 0)
    message = ", ".join(
        f"{number} {words}"
        for number, words in ((restarts, "restart"), (starts, "more"), (ends, "fewer"))
        if number
    )
    if alone:
        has = "has" if len(alone) == 1 else "have"
        message += (
            f"; {joined(alone, 3)} {has} one replica: about 30 s without answers if the old pod goes first"
        )
    return message or "none restarts"


def _pods(deployment: SeldonDeployment | None) -> int:
    if deployment is None:
        return 0
    return sum(sum(predictor.pod_replicas) for predictor in deployment.predictors)


def restarted(before: SeldonDeployment, after: SeldonDeployment) -> list[int]:
    """Return for each set of pods that is replaced how many pods it has: a Deployment of Seldon's operator each."""
    old = {entry.name: entry for entry in before.predictors}
    found = []
    for predictor in after.predictors:
        was = old.get(predictor.name)
        if was is None:
            continue
        # What is not in a pod's template is in the graph that the orchestrator and the nodes are given.
        outside = _graph(was) != _graph(predictor) or before.annotations != after.annotations
        for index, pod in enumerate(predictor.pods):
            other = was.pods[index] if index < len(was.pods) else None
            if other is not None and (outside or other.raw != pod.raw):
                found.append(min(was.pod_replicas[index], predictor.pod_replicas[index]))
    return [number for number in found if number]


def _graph(predictor: Predictor) -> dict[str, Any]:
    return {key: value for key, value in predictor.raw.items() if key not in (*_QUIET, "componentSpecs")}


def _requests_line(changes: Iterable[Change]) -> str:
    before, after = ResourceRequests(), ResourceRequests()
    for change in changes:
        before, after = before + resource_requests(change.before), after + resource_requests(change.after)
    return ", ".join(
        f"{name} {write(old)}" if old == new else f"{name} **{write(old)} → {write(new)}**"
        for name, write, old, new in (
            ("CPU", cores, before.cpu, after.cpu),
            ("memory", size, before.memory, after.memory),
            ("GPU", cores, before.gpu, after.gpu),
            ("storage", size, before.storage, after.storage),
        )
    )


def resource_requests(entry: Mapping[str, Any] | None) -> ResourceRequests:
    """Return what an object asks for: the requests of a deployment's pods, the storage of a claim."""
    if entry is None:
        return ResourceRequests()
    if entry.get("kind") == "PersistentVolumeClaim":
        resources = (entry.get("spec") or {}).get("resources") or {}
        return ResourceRequests(
            storage=quantity((resources.get("requests") or {}).get("storage")) or Decimal(0)
        )
    if entry.get("kind") != KIND:
        return ResourceRequests()
    deployment = seldon_deployment(entry)
    found = ResourceRequests()
    for predictor in deployment.predictors:
        for pod, replicas in zip(predictor.pods, predictor.pod_replicas, strict=True):
            found += _pod(pod).times(replicas)
        engine = (predictor.raw.get("svcOrchSpec") or {}).get("resources")
        if engine and not predictor.no_engine:
            found += _requests(engine).times(predictor.replicas)
    return found


def _pod(pod: Pod) -> ResourceRequests:
    first = ResourceRequests()
    for container in pod.init_containers:
        first = first.most(_container(container))
    rest = ResourceRequests()
    for container in pod.containers:
        rest += _container(container)
    return rest.most(first)


def _container(container: Container) -> ResourceRequests:
    return _requests(container.raw.get("resources") or {})


def _requests(resources: Mapping[str, Any]) -> ResourceRequests:
    """Return the requests; where there is none the limit counts, as in Kubernetes."""
    wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return ResourceRequests(
        cpu=quantity(wanted.get("cpu")) or Decimal(0),
        memory=quantity(wanted.get("memory")) or Decimal(0),
        gpu=sum(
            (quantity(value) or Decimal(0) for name, value in wanted.items() if name.endswith(_GPU)),
            Decimal(0),
        ),
    )
