"""What makes sure that a pod serves what git says: the digest, the lock, and the smoke test after each sync."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.diff.danger.danger import Danger, containers
from gitops.diff.objects import Change
from gitops.manifests.seldondeployment import KIND
from gitops.manifests.unstructured import nested, nested_list, nested_map
from gitops.markdown import code

LOCK = "requirements.lock"
EXPECTED = "expected.json"
_LOCK_VARIABLE = "ENVIRONMENT_LOCK"
_HOOK = "argocd.argoproj.io/hook"
_SMOKE = ("--image", "--model-digest", "--expected")


def unlocked(change: Change) -> Iterator[Danger]:
    """The lock is mounted no more, or the digest of the model is checked no more."""
    if change.kind == "ConfigMap" and LOCK in nested_map(change.before, "data"):
        if LOCK not in nested_map(change.after, "data"):
            yield Danger(f"{code(LOCK)} goes: each start resolves the model's packages anew", LOCK)
        return
    if change.kind != KIND or change.before is None or change.after is None:
        return
    before, after = containers(change.before), containers(change.after)
    for name in before.keys() & after.keys():
        if _locked(before[name]) and not _locked(after[name]):
            yield Danger(f"{code(name)} mounts {code(LOCK)} no more: its packages are resolved anew", LOCK)
        old, new = (nested_list(side[name], "args") for side in (before, after))
        if "--digest" in old and "--digest" not in new and "fetch" in new:
            yield Danger(f"{code(name)} checks the model's digest no more", "--digest")


def untested(change: Change) -> Iterator[Danger]:
    """The smoke test after a sync goes, or compares less."""
    if change.kind == "ConfigMap":
        if EXPECTED in nested_map(change.before, "data") and EXPECTED not in nested_map(change.after, "data"):
            yield Danger(f"{code(EXPECTED)} goes: the smoke test has nothing to compare with", EXPECTED)
        return
    if change.kind != "Job" or not _hooked(change.before):
        return
    if change.after is None:
        yield Danger("the smoke test goes: a sync that serves wrong answers passes", "kind", "Job")
    elif not _hooked(change.after):
        yield Danger("the smoke test runs after no sync", _HOOK)
    else:
        before, after = (list(containers(side).values()) for side in (change.before, change.after))
        old, new = (
            " ".join(str(arg) for entry in side for arg in nested_list(entry, "args"))
            for side in (before, after)
        )
        for option in _SMOKE:
            if old.count(option) > new.count(option):
                yield Danger(f"the smoke test is without {code(option)}", option)
        mounts = tuple(
            {nested(mount, "mountPath") for entry in side for mount in nested_list(entry, "volumeMounts")}
            for side in (before, after)
        )
        for path in sorted(map(str, mounts[0] - mounts[1])):
            yield Danger(f"the smoke test mounts {code(path)} no more", "volumeMounts")


def _locked(container: Mapping[str, Any]) -> bool:
    """Whether a container sees the lock that its variable names."""
    paths = [
        str(nested(variable, "value"))
        for variable in nested_list(container, "env")
        if nested(variable, "name") == _LOCK_VARIABLE
    ]
    mounted = [str(nested(mount, "mountPath")) for mount in nested_list(container, "volumeMounts")]
    return any(path.startswith(f"{mount}/") for path in paths for mount in mounted)


def _hooked(entry: Any) -> bool:
    return "PostSync" in str(nested_map(entry, "metadata", "annotations").get(_HOOK, ""))
