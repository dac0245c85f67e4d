"""What changes, for a program: an item for each kustomization (gitops.command)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gitops.command import Item, Level
from gitops.diff.change import KustomizationChange
from gitops.diff.findings import Findings
from gitops.diff.overview import overview
from gitops.redaction import redacted


def items(changes: Iterable[KustomizationChange]) -> Iterator[Item]:
    """Yield an item for each of ``changes`` that a reviewer is told of; what breaks something is a warning."""
    for change in changes:
        if not change.says:
            continue
        dangers = [redacted(danger.text) for danger in change.dangers]
        breaking = [
            redacted(effect.text) for model in change.models for effect in model.effects if effect.breaking
        ]
        gone = sorted(change.addresses[0] - change.addresses[1])
        breaking += [f"`{address}` answers no more" for address in gone]
        broken = change.state == "does not build"
        level: Level = "error" if broken else "warning" if dangers or breaking else "note"
        yield Item(
            level,
            change.state,
            change.folder,
            # The whole message, of which a cell of the report's table shows a part.
            redacted(change.failures[-1][1].strip() if broken else overview(change)),
            fix="correct it until `make check` builds it" if broken else "",
            more={"dangers": dangers, "breaking": breaking},
        )


def check_items(findings: Findings) -> Iterator[Item]:
    """Yield an item for each finding of the check, as the check itself does."""
    for finding, _ in (*findings.new, *findings.old):
        item = finding.item
        yield replace(item, message=redacted(item.message), fix=redacted(item.fix))
