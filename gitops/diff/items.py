"""What changes, for a program: an item for each kustomization (gitops.command)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gitops.command import Item, Level
from gitops.diff.change import KustomizationChange
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
        level: Level = (
            "error" if change.state == "does not build" else "warning" if dangers or breaking else "note"
        )
        yield Item(
            level,
            change.state,
            change.folder,
            redacted(overview(change)),
            more={"dangers": dangers, "breaking": breaking},
        )
