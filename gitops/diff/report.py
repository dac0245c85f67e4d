"""The whole report: what breaks first, then all kustomizations at a glance, then a section each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from gitops.diff.change import KustomizationChange, ModelChange
from gitops.diff.deployment import IMAGE, MODEL_DIGEST, MODEL_URI
from gitops.diff.markdown import code, joined, listed
from gitops.diff.sealed import SECRETS
from gitops.diff.section import Section, section


@dataclass(frozen=True)
class Lines:
    """A list or table: what opens it, its lines, and the line that stands for ``{}`` of them where they do not fit."""

    opening: str
    lines: tuple[str, ...]
    rest: str


@dataclass(frozen=True)
class Report:
    """Markdown of the report: ``title``, ``head`` (what breaks, what there is), and sections."""

    title: str
    head: tuple[Lines, ...]
    sections: tuple[Section, ...]


def report(changes: Sequence[KustomizationChange], base: str) -> Report | None:
    """Return the report of changes against ``base``, or None where no change says anything."""
    groups: dict[object, list[KustomizationChange]] = {}
    for change in changes:
        if change.says:
            groups.setdefault(change.key, []).append(change)
    if not groups:
        return None
    breaking = _breaking(changes)
    # What breaks or does not build is read first, overlays before the rest.
    ordered = sorted(
        groups.values(),
        key=lambda alike: (
            not any(_breaks(entry) or entry.failures for entry in alike),
            _place(alike[0].folder),
        ),
    )
    told: dict[ModelChange, str] = {}
    sections = tuple(section(alike, told) for alike in ordered)
    head = [Lines(_BREAKING, tuple(breaking), "> - and {} more")] if breaking else []
    rows = [_row(alike) for alike in ordered]
    head.append(
        Lines("| kustomization | change | of what |\n| --- | --- | --- |", tuple(rows), "| and {} more | | |")
    )
    return Report(f"## What changes against {code(base)}", tuple(head), sections)


_BREAKING = "> [!CAUTION]\n> **Breaking: whoever calls these models must know before the merge.**\n>"


def _breaking(changes: Sequence[KustomizationChange]) -> list[str]:
    """Return a line for each effect that breaks, with all the kustomizations that it reaches."""
    answered = {address for change in changes for address in change.addresses[1]}
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        for address in sorted(change.addresses[0] - answered):
            found[f"{code(address)} answers no more"].append(code(change.folder))
        for model in change.models:
            # A node of its own overlay has its name.
            node = f" (node {code(model.node)})" if model.node != PurePath(change.folder).name else ""
            for effect in model.effects:
                if effect.breaking:
                    found[effect.text].append(f"{code(change.folder)}{node}")
    return [f"> - {joined(places)}: {text}" for text, places in found.items()]


def _breaks(change: KustomizationChange) -> bool:
    return bool(change.addresses[0] - change.addresses[1]) or any(
        effect.breaking for model in change.models for effect in model.effects
    )


def _place(folder: str) -> tuple[bool, str]:
    return not folder.startswith("overlays/"), folder


def _row(alike: list[KustomizationChange]) -> str:
    shown = alike[0]
    return f"| {listed(entry.folder for entry in alike)} | {shown.state} | {', '.join(_topics(shown))} |"


def _topics(change: KustomizationChange) -> Iterator[str]:
    """Yield in a word what changes."""
    if _breaks(change):
        yield "**breaking**"
    secrets = [entry for entry in change.objects if entry.change.kind in SECRETS]
    others = [entry.change for entry in change.objects if entry not in secrets and change.state == "changed"]
    fields = {
        row.field
        for entry in change.objects
        if entry.change in others and entry.change.before and entry.change.after
        for row in entry.rows
    }
    if IMAGE in fields:
        yield "image"
    if fields & {MODEL_URI, MODEL_DIGEST}:
        yield "model"
    packages = sum(len(model.requirements.packages) for model in change.models)
    if packages:
        yield _counted(packages, "package")
    elif any(model.requirements.says for model in change.models):
        yield "lock"
    if any(caption for caption, _ in change.graphs):
        yield "graph"
    for number, what in (
        (len(secrets), "secret"),
        (len([entry for entry in others if not entry.before]), "new object"),
        (len([entry for entry in others if not entry.after]), "lost object"),
        (len(fields - {IMAGE, MODEL_URI, MODEL_DIGEST}), "other value"),
    ):
        if number:
            yield _counted(number, what)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
