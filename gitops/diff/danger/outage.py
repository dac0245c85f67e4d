"""What stops answering, and what is lost with it."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.diff.danger.danger import Danger, at, both, entries, mapping, turned
from gitops.diff.danger.pods import containers
from gitops.diff.markdown import code
from gitops.diff.objects import Change
from gitops.manifests.seldondeployment import KIND

# What follows from an object that goes.
GONE = {
    "Namespace": "all that is in it goes too",
    "PersistentVolumeClaim": "what is stored in it is lost",
    "Application": "what it applies goes, or is kept up to date no more",
    "ApplicationSet": "its Applications go",
    "AppProject": "its Applications can apply nothing",
    "HTTPRoute": "no request comes in by it",
    "NetworkPolicy": "its pods may be asked by anybody and ask anything",
    **dict.fromkeys(("SealedSecret", "Secret"), "pods that need it do not start"),
}


def stopped(change: Change) -> Iterator[Danger]:
    """Replicas that become 0: nothing answers."""
    if not both(change, KIND, "Deployment", "StatefulSet"):
        return
    before, after = _replicas(change.before), _replicas(change.after)
    for name in before.keys() & after.keys():
        if before[name] > 0 and after[name] == 0:
            of = f" of {code(name)}" if name else ""
            yield Danger(f"replicas{of} {turned(before[name], 0)}: nothing answers", "replicas", "0")


def gone(change: Change) -> Iterator[Danger]:
    """An Application, ApplicationSet, AppProject, Namespace, PersistentVolumeClaim, HTTPRoute, NetworkPolicy or (sealed) Secret that goes."""
    if both(change, "PersistentVolumeClaim"):
        spaces = tuple(at(side, "metadata", "namespace") for side in (change.before, change.after))
        if spaces[0] != spaces[1]:
            yield Danger(
                f"{code(change.title)} moves to another namespace, {turned(*spaces)}: {GONE[change.kind]}",
                "namespace",
                str(spaces[1]),
            )
    if change.after is None and change.kind in GONE:
        yield Danger(f"{code(change.title)} goes: {GONE[change.kind]}", "name", change.title.split()[-1])


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
                f"{code(change.title)}: {code(path)} leads elsewhere: {turned(before[path], after[path])}",
                "backendRefs",
            )


def _replicas(entry: object) -> dict[str, int]:
    """Return the pods that are asked for, by predictor, or of a Deployment by an empty name."""
    if at(entry, "kind") != KIND:
        return {"": _number(at(entry, "spec", "replicas"), 1)}
    found = {}
    for predictor in entries(entry, "spec", "predictors"):
        default = _number(at(predictor, "replicas"), _number(at(entry, "spec", "replicas"), 1))
        pods = [_number(at(pod, "replicas"), default) for pod in entries(predictor, "componentSpecs") or [{}]]
        # A graph whose one node is not there does not answer.
        found[str(at(predictor, "name"))] = min(pods)
    return found


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _paths(entry: object) -> dict[str, str]:
    """Return where the paths of an HTTPRoute lead."""
    found: dict[str, str] = {}
    for rule in entries(entry, "spec", "rules"):
        backends = ", ".join(f"{at(ref, 'name')}:{at(ref, 'port')}" for ref in entries(rule, "backendRefs"))
        for match in entries(rule, "matches") or [{}]:
            found[str(mapping(match, "path").get("value", "/"))] = backends
    return found
