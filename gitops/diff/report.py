"""The whole report: dangers and breaking changes first, then a table of all kustomizations, then a section for each."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from gitops.diff.applications import ApplicationChange
from gitops.diff.change import KustomizationChange, ModelChange
from gitops.diff.context import ReportContext
from gitops.diff.overview import overview
from gitops.diff.section import Section, section
from gitops.diff.summary import summary
from gitops.markdown import CommentState, code, folded, joined, listed, row


@dataclass(frozen=True)
class Lines:
    """A list or table: what opens it, its lines, and the line that stands for ``{}`` of them where they do not fit."""

    opening: str
    lines: tuple[str, ...]
    rest: str


@dataclass(frozen=True)
class Report:
    """Markdown of the report: ``title`` with its first lines, ``head`` (what breaks, what there is), and sections.

    ``whole`` says where all of it is to be had, ``state`` is what the next comment of the same is compared with.
    """

    title: str
    head: tuple[Lines, ...]
    sections: tuple[Section, ...]
    whole: str = ""
    state: str = ""


def report(changes: Sequence[KustomizationChange], report_context: ReportContext) -> Report | None:
    """Return the report of changes, or None where no change says anything."""
    message = [change for change in changes if change.says]
    applications = report_context.applications()
    # In a pull request that nothing changes is said too where the change itself says so.
    itself = report_context.code and report_context.context and report_context.context.run
    if not (message or applications or itself or (report_context.findings and report_context.findings.new)):
        return None
    groups: dict[object, list[KustomizationChange]] = {}
    for change in message:
        groups.setdefault(change.key, []).append(change)
    # What breaks or does not build is read first, overlays before the rest, and last what nobody applies.
    ordered = sorted(
        groups.values(),
        key=lambda alike: (
            alike[0].applied is False,
            not any(entry.dangers or _breaks(entry) or entry.failures for entry in alike),
            _place(alike[0].folder),
        ),
    )
    described: dict[ModelChange, str] = {}
    sections = [section(alike, described, report_context.link) for alike in ordered]
    if report_context.findings:
        sections = [Section((), part, "") for part in report_context.findings.markdown()] + sections
    return Report(
        _title(message, report_context),
        tuple(_head(ordered, report_context, applications)),
        tuple(sections),
        state=_state(ordered, report_context),
    )


def _title(changes: Sequence[KustomizationChange], report_context: ReportContext) -> str:
    live = [change for change in changes if change.applied is not False]
    lines = [*summary(live), *report_context.lines()]
    parts = [f"## What changes against {code(report_context.base)}", "\n".join(f"- {line}" for line in lines)]
    return "\n\n".join([*parts, *report_context.warnings()])


def _head(
    ordered: Sequence[list[KustomizationChange]],
    report_context: ReportContext,
    applications: Sequence[ApplicationChange],
) -> Iterator[Lines]:
    live = [change for alike in ordered for change in alike if change.applied is not False]
    if dangers := _dangers(live, report_context):
        yield Lines(_DANGER, tuple(dangers), "> - and {} more")
    if breaking := _breaking(live, report_context):
        yield Lines(_BREAKING, tuple(breaking), "> - and {} more")
    if applications:
        lines = tuple(
            row((code(entry.name), entry.state, code(entry.before), code(entry.after)))
            for entry in applications
        )
        yield Lines(
            "| Application | change | before | after |\n| --- | --- | --- | --- |",
            lines,
            "| and {} more | | | |",
        )
    table = "| kustomization | change | what changes |\n| --- | --- | --- |"
    shown = tuple(_row(alike) for alike in ordered if alike[0].applied is not False)
    if shown:
        yield Lines(table, shown, "| and {} more | | |")
    # What nobody applies is not what a reviewer came for.
    resting = [_row(alike) for alike in ordered if alike[0].applied is False]
    if resting:
        number = sum(len(alike) for alike in ordered if alike[0].applied is False)
        title = f"{number} {'kustomization changes' if number == 1 else 'kustomizations change'} that no Application applies"
        yield Lines(
            "",
            (folded(title, "\n".join([table, *resting])),),
            "and {} kustomizations that no Application applies",
        )


_DANGER = "> [!CAUTION]\n> **Danger: an outage, lost data or an opened door.**\n>"
_BREAKING = "> [!CAUTION]\n> **Breaking: whoever calls these models must know before the merge.**\n>"
_CODE = re.compile(r"(`+) ?(.+?) ?\1")


def _dangers(changes: Sequence[KustomizationChange], report_context: ReportContext) -> list[str]:
    """Return a line for each danger, with all the kustomizations that it reaches, and where it stands."""
    found: dict[str, list[str]] = defaultdict(list)
    links: dict[str, str] = {}
    for change in changes:
        for danger in change.dangers:
            found[danger.text].append(code(change.folder))
            if danger.text not in links:
                links[danger.text] = report_context.link(
                    change.folder, danger.field, danger.value, danger.kind
                )
    lines = [f"> - {joined(_once(places))}: {text}{links[text]}" for text, places in found.items()]
    for entry in report_context.applications():
        if entry.gone:
            link = report_context.link(entry.folder, "deployment", entry.name)
            lines.append(
                f"> - Application {code(entry.name)} goes: {code(entry.before)} is applied no more{link}"
            )
    return lines


def _once(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _breaking(changes: Sequence[KustomizationChange], report_context: ReportContext) -> list[str]:
    """Return a line for each effect that breaks, with all the kustomizations that it reaches, and where it stands."""
    answered = {address for change in changes for address in change.addresses[1]}
    found: dict[str, list[str]] = defaultdict(list)
    links: dict[str, str] = {}
    for change in changes:
        for address in sorted(change.addresses[0] - answered):
            text = f"{code(address)} answers no more"
            found[text].append(code(change.folder))
            if text not in links:
                links[text] = report_context.link(change.folder, "deployment", PurePath(address).name)
        for model in change.models:
            # A node of its own overlay has its name.
            node = f" (node {code(model.node)})" if model.node != PurePath(change.folder).name else ""
            for effect in model.effects:
                if effect.breaking:
                    found[effect.text].append(f"{code(change.folder)}{node}")
                    named = [found[1] for found in _CODE.findall(effect.text)] or [""]
                    if effect.text not in links:
                        links[effect.text] = report_context.link(change.folder, named[0], named[-1])
    return [f"> - {joined(places)}: {text}{links[text]}" for text, places in found.items()]


def _breaks(change: KustomizationChange) -> bool:
    # Of what nobody applies there are no callers.
    return change.applied is not False and (
        bool(change.addresses[0] - change.addresses[1])
        or any(effect.breaking for model in change.models for effect in model.effects)
    )


def _place(folder: str) -> tuple[bool, str]:
    return not folder.startswith("overlays/"), folder


def _row(alike: list[KustomizationChange]) -> str:
    shown = alike[0]
    marks = [
        word
        for word, there in (
            ("**danger**", any(entry.dangers and entry.applied is not False for entry in alike)),
            ("**breaking**", any(_breaks(entry) for entry in alike)),
        )
        if there
    ]
    return row(
        (listed((entry.folder for entry in alike), 5), ", ".join([shown.state, *marks]), overview(shown))
    )


def _state(ordered: Sequence[list[KustomizationChange]], report_context: ReportContext) -> str:
    """Return what the next comment tells what is new from, empty outside of a workflow."""
    if report_context.context is None or not report_context.context.run:
        return ""
    hashes = {
        change.folder: hashlib.sha256(repr((change.key, change.dangers)).encode()).hexdigest()[:8]
        for alike in ordered
        for change in alike
    }
    return str(CommentState(report_context.context.branch, report_context.context.head, hashes))
