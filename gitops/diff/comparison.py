"""Comparing the two sides of one kustomization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops.check.rendered import Rendered
from gitops.diff.change import KustomizationChange, ModelChange, Models, ObjectChange, State
from gitops.diff.effects import effects
from gitops.diff.graph import mermaid, shape
from gitops.diff.model import models
from gitops.diff.objects import Entry, changes
from gitops.diff.requirements import requirements
from gitops.diff.rows import rows
from gitops.diff.side import Outcome, Pair, Side
from gitops.manifests import KIND


def compare(pair: Pair, base: Side, head: Side) -> KustomizationChange:
    """Return what changes between the two sides of ``pair``."""
    before, after = _built(pair.before), _built(pair.after)
    old, new = models(base, before) if before else {}, models(head, after) if after else {}
    compared = list(_models(old, new))
    one_sided = (after, new) if before is None else (before, old)
    failures = tuple(_failures(pair, base, head))
    # Where a side does not build, nobody knows what becomes of the other's objects.
    known = (before, after) if not failures else (None, None)
    return KustomizationChange(
        folder=pair.folder,
        state=_state(pair),
        failures=failures,
        objects=tuple(_objects(*(side.objects if side else () for side in known))),
        models=tuple(entry for entry in compared if entry.effects or entry.requirements.says),
        graphs=tuple(_graphs(before, after, old, new)) if not isinstance(pair.after, Exception) else (),
        listed=tuple((entry, one_sided[1]) for entry in one_sided[0].deployments)
        if one_sided[0] and not (before and after)
        else (),
        problems=tuple(
            f"{node}: {problem}" for node, model in (new or old).items() for problem in model.problems
        ),
        addresses=(_addresses(known[0]), _addresses(known[1])),
    )


def _built(outcome: Outcome) -> Rendered | None:
    return outcome if isinstance(outcome, Rendered) else None


def _state(pair: Pair) -> State:
    if isinstance(pair.after, Exception):
        return "does not build"
    if pair.before is None:
        return "new"
    if pair.after is None:
        return "gone"
    return "builds again" if isinstance(pair.before, Exception) else "changed"


def _failures(pair: Pair, base: Side, head: Side) -> Iterator[tuple[str, str]]:
    for side, outcome in ((base, pair.before), (head, pair.after)):
        if isinstance(outcome, Exception):
            # The same failure of several kustomizations is told once, so their own names are not in it.
            yield side.title, side.words(outcome).removeprefix(f"kustomize build {pair.folder}: ")


def _objects(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[ObjectChange]:
    """Yield what becomes of the objects, the deployment first.

    What another one takes from the deployment, as the smoke test does its image and model, is told once.
    """
    told: set[tuple[str | None, str | None]] = set()
    for change in sorted(changes(before, after), key=lambda change: change.kind != KIND):
        found = tuple(rows(change))
        if change.kind == KIND and change.before and change.after:
            told.update((row.before, row.after) for row in found)
            yield ObjectChange(KIND, change, found)
        else:
            own = tuple(row for row in found if (row.before, row.after) not in told)
            yield ObjectChange(change.title, change, own)


def _models(before: Models, after: Models) -> Iterator[ModelChange]:
    for node, new in after.items():
        if node in before:
            old = before[node]
            yield ModelChange(node, effects(old, new), requirements(old, new))


def _addresses(side: Rendered | None) -> frozenset[str]:
    """Return the paths of the deployments behind the gateway, which Seldon's operator makes from their names."""
    return frozenset(
        f"/seldon/{entry.namespace}/{entry.name}" for entry in (side.deployments if side else ())
    )


def _graphs(
    before: Rendered | None, after: Rendered | None, old: Models, new: Models
) -> Iterator[tuple[str, str]]:
    deployments = [(side.deployments if side else ()) for side in (before, after)]
    shapes = [[shape(entry) for entry in side] for side in deployments]
    differ = bool(before and after) and shapes[0] != shapes[1]
    for entry in deployments[0] if differ or not after else ():
        yield "before" if differ else "", mermaid(entry, old)
    changed = {node for node in old.keys() & new.keys() if old[node] != new[node]}
    for entry in deployments[1]:
        yield "after" if differ else "", mermaid(entry, new, changed)
