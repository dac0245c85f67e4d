"""What stops answering, and what is lost with it."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.diff.danger.danger import Danger, both, containers, transition
from gitops.diff.objects import Change
from gitops.manifests.seldondeployment import KIND, NO_ENGINE, protocol
from gitops.manifests.unstructured import nested, nested_list, nested_map
from gitops.markdown import code

# What follows from an object that goes.
GONE = {
    "Namespace": "all that is in it goes too",
    "PersistentVolumeClaim": "what is stored in it is lost",
    "Application": "what it applies goes, or is kept up to date no more",
    "ApplicationSet": "its Applications go",
    "AppProject": "its Applications can apply nothing",
    "HTTPRoute": "no request comes in by it",
    "NetworkPolicy": "its pods accept every connection and may open any",
    "PodDisruptionBudget": "draining nodes may take all pods at once",
    **dict.fromkeys(
        ("SealedSecret", "ExternalSecret", "Secret", "ServiceAccount"), "pods that need it do not start"
    ),
}


def stopped(change: Change) -> Iterator[Danger]:
    """Replicas that become 0: nothing answers."""
    if not both(change, KIND, "Deployment", "StatefulSet"):
        return
    before, after = _replicas(change.before), _replicas(change.after)
    for name in before.keys() & after.keys():
        if before[name] > 0 and after[name] == 0:
            of = f" of {code(name)}" if name else ""
            yield Danger(f"replicas{of} {transition(before[name], 0)}: nothing answers", "replicas", "0")


def gone(change: Change) -> Iterator[Danger]:
    """An Application, ApplicationSet, AppProject, Namespace, PersistentVolumeClaim, HTTPRoute, NetworkPolicy, PodDisruptionBudget, ServiceAccount or Secret that goes."""
    if both(change, "PersistentVolumeClaim"):
        spaces = tuple(nested(side, "metadata", "namespace") for side in (change.before, change.after))
        if spaces[0] != spaces[1]:
            yield Danger(
                f"{code(change.title)} moves to another namespace, {transition(*spaces)}: {GONE[change.kind]}",
                "namespace",
                str(spaces[1]),
            )
    if change.after is None and change.kind in GONE:
        yield Danger(f"{code(change.title)} goes: {GONE[change.kind]}", "name", change.title.split()[-1])


def unspoken(change: Change) -> Iterator[Danger]:
    """Another protocol where an orchestrator stands before the nodes: it answers the former one no more."""
    if change.before is None or change.after is None or change.kind != KIND:
        return
    before, after = protocol(change.before), protocol(change.after)
    orchestrated = any(
        str((predictor.get("annotations") or {}).get(NO_ENGINE, "")).lower() != "true"
        for predictor in nested_list(change.after, "spec", "predictors")
    )
    if before != after and orchestrated:
        yield Danger(
            f"protocol {transition(before, after)}: the orchestrator answers clients of {code(before)} no more",
            "protocol",
            after,
        )


def unprobed(change: Change) -> Iterator[Danger]:
    """A container whose startup, readiness or liveness probe goes."""
    if change.before is None or change.after is None:
        return
    before, after = containers(change.before), containers(change.after)
    for name in before.keys() & after.keys():
        for probe, what in (
            ("startupProbe", "a model that loads for long is restarted"),
            ("readinessProbe", "pods are asked before they can answer"),
            ("livenessProbe", "a server that hangs stays"),
        ):
            if before[name].get(probe) and not after[name].get(probe):
                yield Danger(f"{code(probe)} of {code(name)} goes: {what}", probe)


def unreached(change: Change) -> Iterator[Danger]:
    """An HTTPRoute that answers a path no more, or leads elsewhere."""
    if not both(change, "HTTPRoute"):
        return
    before, after = _paths(change.before), _paths(change.after)
    for path in sorted(before.keys() - after.keys()):
        yield Danger(f"{code(change.title)}: {code(path)} is answered no more", "value", path)
    for path in sorted(before.keys() & after.keys()):
        if before[path] != after[path]:
            yield Danger(
                f"{code(change.title)}: {code(path)} leads elsewhere: {transition(before[path], after[path])}",
                "backendRefs",
            )


def _replicas(entry: object) -> dict[str, int]:
    """Return the pods that are asked for, by predictor, or of a Deployment by an empty name."""
    if nested(entry, "kind") != KIND:
        return {"": _number(nested(entry, "spec", "replicas"), 1)}
    found = {}
    for predictor in nested_list(entry, "spec", "predictors"):
        default = _number(nested(predictor, "replicas"), _number(nested(entry, "spec", "replicas"), 1))
        pods = [
            _number(nested(pod, "replicas"), default)
            for pod in nested_list(predictor, "componentSpecs") or [{}]
        ]
        # A graph whose one node is not there does not answer.
        found[str(nested(predictor, "name"))] = min(pods)
    return found


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _paths(entry: object) -> dict[str, str]:
    """Return where the paths of an HTTPRoute lead."""
    found: dict[str, str] = {}
    for rule in nested_list(entry, "spec", "rules"):
        backends = ", ".join(
            f"{nested(ref, 'name')}:{nested(ref, 'port')}" for ref in nested_list(rule, "backendRefs")
        )
        for match in nested_list(rule, "matches") or [{}]:
            found[str(nested_map(match, "path").get("value", "/"))] = backends
    return found
