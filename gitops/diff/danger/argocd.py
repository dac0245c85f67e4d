"""What Argo CD may do, and how it keeps the cluster at what git says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.diff.danger.danger import Danger, both, shown, transition
from gitops.diff.objects import Change
from gitops.manifests.unstructured import nested, nested_list, nested_map
from gitops.markdown import code

_HEALTH = "resource.customizations"
# What is allowed by being listed, and what is forbidden by it: https://argo-cd.readthedocs.io/en/stable/operator-manual/project-specification/
_ALLOWED = (
    "sourceRepos",
    "sourceNamespaces",
    "destinations",
    "clusterResourceWhitelist",
    "namespaceResourceWhitelist",
    "roles",
)
_FORBIDDEN = (
    "clusterResourceBlacklist",
    "namespaceResourceBlacklist",
    "destinationServiceAccounts",
    "syncWindows",
    "signatureKeys",
)
# Options that guard, and options that take risks: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/
_GUARDS = (
    "ServerSideApply=true",
    "PruneLast=true",
    "Prune=confirm",
    "Delete=confirm",
    "FailOnSharedResource=true",
)
_RISKS = ("Replace=true", "Force=true", "Prune=false", "Delete=false", "Validate=false")
_OPTIONS = "argocd.argoproj.io/sync-options"


def project_widened(change: Change) -> Iterator[Danger]:
    """An AppProject that allows more."""
    if not both(change, "AppProject"):
        return
    name = code(change.title)
    before, after = nested_map(change.before, "spec"), nested_map(change.after, "spec")
    for field in _ALLOWED:
        old, new = nested_list(before, field), nested_list(after, field)
        if field == "namespaceResourceWhitelist" and old and field not in after:
            yield Danger(f"{name}: {code(field)} goes: every kind is allowed", field)
        for entry in new:
            if entry not in old:
                yield Danger(f"{name}: {code(field)} allows {shown(entry)}", field)
    for field in _FORBIDDEN:
        for entry in nested_list(before, field):
            if entry not in nested_list(after, field):
                yield Danger(f"{name}: {code(field)} has {shown(entry)} no more", field)


def health_changed(change: Change) -> Iterator[Danger]:
    """How Argo CD judges the health of a kind changes: it may wait for ever, or call healthy what is not."""
    if change.before is None or change.kind != "ConfigMap":
        return
    before, after = nested_map(change.before, "data"), nested_map(change.after, "data")
    for key in sorted(before):
        if key.startswith(_HEALTH) and _program(before[key]) != _program(after.get(key, "")):
            state = "changes" if key in after else "goes"
            yield Danger(
                f"{code(key.removeprefix(_HEALTH).removeprefix('.'))} {state}: Argo CD judges by it", key
            )


def sync_weakened(change: Change) -> Iterator[Danger]:
    """Sync options, self-heal, pruning, the source or the revision of an Application weakened."""
    if both(change, "Application", "ApplicationSet"):
        template = ("spec", "template", "spec") if change.kind == "ApplicationSet" else ("spec",)
        before, after = nested_map(change.before, *template), nested_map(change.after, *template)
        yield from _source(change, before, after)
        yield from _automation(change, before, after)
        options = tuple(nested_list(side, "syncPolicy", "syncOptions") for side in (before, after))
        yield from _options(change, *options)
    elif change.before is not None and change.after is not None:
        annotations = (
            str(nested_map(side, "metadata", "annotations").get(_OPTIONS, ""))
            for side in (change.before, change.after)
        )
        yield from _options(change, *(text.replace(" ", "").split(",") for text in annotations))


def _source(change: Change, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Danger]:
    old, new = ([nested(side, "source"), *nested_list(side, "sources")] for side in (before, after))
    for index, source in enumerate(old):
        other = new[index] if index < len(new) else None
        for field in ("repoURL", "targetRevision"):
            values = nested(source, field), nested(other, field)
            if values[0] is not None and values[0] != values[1]:
                yield Danger(
                    f"{code(change.title)}: {code(field)} {transition(*values)}: another source is applied",
                    field,
                    str(values[1] or ""),
                )
    if before.get("project") != after.get("project"):
        yield Danger(
            f"{code(change.title)}: project {transition(before.get('project'), after.get('project'))}",
            "project",
        )


def _automation(change: Change, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Danger]:
    old, new = (nested(side, "syncPolicy", "automated") for side in (before, after))
    if isinstance(old, Mapping) and not isinstance(new, Mapping):
        yield Danger(
            f"{code(change.title)}: {code('automated')} goes: nothing is applied by itself", "automated"
        )
        return
    for field, what in (
        ("selfHeal", "what is changed by hand stays"),
        ("prune", "what git has no more stays"),
    ):
        if nested(old, field) is True and nested(new, field) is not True:
            yield Danger(
                f"{code(change.title)}: {code(field)} {transition(True, nested(new, field))}: {what}", field
            )


def _options(change: Change, before: list[Any], after: list[Any]) -> Iterator[Danger]:
    for option in _GUARDS:
        if option in before and option not in after:
            yield Danger(f"{code(change.title)}: sync option {code(option)} goes", option.partition("=")[0])
    for option in _RISKS:
        if option in after and option not in before:
            yield Danger(
                f"{code(change.title)}: sync option {code(option)} is new", option.partition("=")[0], option
            )


def _program(text: Any) -> list[str]:
    """Return the lines of a Lua program that do something."""
    lines = (line.strip() for line in str(text).splitlines())
    return [line for line in lines if line and not line.startswith("--")]
