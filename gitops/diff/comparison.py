"""Comparing the two sides of one kustomization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gitops.diff.change import KustomizationChange, ModelChange, Models, ObjectChange, State
from gitops.diff.compatibility import effects
from gitops.diff.danger import Danger, dangers
from gitops.diff.danger.outage import gone
from gitops.diff.deployment import NODE
from gitops.diff.mermaid import mermaid, topology
from gitops.diff.model import LOCK, models
from gitops.diff.objects import Entry, changes, hidden
from gitops.diff.pairs import Pair
from gitops.diff.requirements import requirements
from gitops.diff.rows import Row, rows
from gitops.manifests.checkout import Checkout, FolderResult
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import KIND, SeldonDeployment


def compare(pair: Pair, base: Checkout, head: Checkout, applied: bool | None = None) -> KustomizationChange:
    """Return what changes between the two sides of ``pair``.

    Args:
        pair: what a kustomization comes to on both sides.
        base: the side before.
        head: the side after.
        applied: whether an Application applies it, None if that is unknown.
    """
    before, after = _built(pair.before), _built(pair.after)
    old, new = models(base, before) if before else {}, models(head, after) if after else {}
    compared = list(_models(old, new))
    one_sided = (after, new) if before is None else (before, old)
    failures = tuple(_failures(pair, base, head))
    # Where a side does not build, the other's objects cannot be compared.
    known = (before, after) if not failures else (None, None)
    locked = any(entry.requirements.says for entry in compared)
    objects = tuple(_objects(*(side.objects if side else () for side in known), locked=locked))
    objects = _with_origin(objects, before, after)
    return KustomizationChange(
        folder=pair.folder,
        state=_state(pair),
        failures=failures,
        objects=objects,
        models=tuple(entry for entry in compared if entry.effects or entry.requirements.says),
        graphs=tuple(_graphs(before, after, old, new)) if not isinstance(pair.after, Exception) else (),
        listed=tuple((entry, one_sided[1]) for entry in one_sided[0].deployments)
        if one_sided[0] and not (before and after)
        else (),
        problems=tuple(
            f"{node}: {problem}" for node, model in (new or old).items() for problem in model.problems
        ),
        addresses=(_addresses(known[0]), _addresses(known[1])),
        dangers=tuple(_dangers(pair, objects)),
        applied=applied,
        was=pair.was,
    )


def _with_origin(
    objects: tuple[ObjectChange, ...], before: Rendered | None, after: Rendered | None
) -> tuple[ObjectChange, ...]:
    """Return the objects with what the model is promoted from, which is not rendered and decides what comes next."""
    nodes = [side.node if side else None for side in (before, after)]
    origins = [node.model_from if node else "" for node in nodes]
    if None in nodes or origins[0] == origins[1]:
        return objects
    origin = Row(NODE, "", "modelFrom", origins[0] or None, origins[1] or None)
    for index, entry in enumerate(objects):
        if entry.title == KIND:
            return (*objects[:index], replace(entry, rows=(*entry.rows, origin)), *objects[index + 1 :])
    same = [entry.raw for entry in after.deployments] if after else []
    return (*(ObjectChange(KIND, hidden(entry, entry), (origin,)) for entry in same[:1]), *objects)


def _dangers(pair: Pair, objects: Sequence[ObjectChange]) -> Iterator[Danger]:
    """Yield what must not be overlooked; of what goes with its whole deployment only what outlives that."""
    for entry in objects:
        yield from dangers(entry.change) if pair.after is not None else gone(entry.change)


def _built(outcome: FolderResult) -> Rendered | None:
    return outcome if isinstance(outcome, Rendered) else None


def _state(pair: Pair) -> State:
    if isinstance(pair.after, Exception):
        return "does not build"
    if pair.before is None:
        return "new"
    if pair.after is None:
        return "gone"
    if isinstance(pair.before, Exception):
        return "builds again"
    return "renamed" if pair.was else "changed"


def _failures(pair: Pair, base: Checkout, head: Checkout) -> Iterator[tuple[str, str]]:
    for side, outcome in ((base, pair.before), (head, pair.after)):
        if isinstance(outcome, Exception):
            # The same failure of several kustomizations is reported once, so it does not name them.
            yield side.title, side.words(outcome).removeprefix(f"kustomize build {pair.folder}: ")


def _objects(before: Sequence[Entry], after: Sequence[Entry], *, locked: bool) -> Iterator[ObjectChange]:
    """Yield what becomes of the objects, the deployment first.

    What other objects take from the deployment, as the smoke test does its image and model, is reported once; so are the
    packages of a lock where ``locked`` says that the model tells them.
    """
    reported: set[tuple[str | None, str | None]] = set()
    for change in sorted(changes(before, after), key=lambda change: change.kind != KIND):
        found = tuple(rows(change))
        if change.kind == KIND and change.before and change.after:
            reported.update((row.before, row.after) for row in found)
            yield ObjectChange(KIND, change, found)
        else:
            own = tuple(
                row
                for row in found
                if (row.before, row.after) not in reported
                and not (locked and row.field.startswith(f"key {LOCK}"))
            )
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
    shapes = [[topology(entry) for entry in side] for side in deployments]
    if before and after:
        if shapes[0] == shapes[1]:
            return
        changed = {node for node in old.keys() & new.keys() if old[node] != new[node]}
        yield from (("before", mermaid(entry, old)) for entry in deployments[0])
        yield from (("after", mermaid(entry, new, changed)) for entry in deployments[1])
    elif after:
        # The line in the table is enough for a single node.
        yield from (("", mermaid(entry, new)) for entry in deployments[1] if _several(entry))


def _several(deployment: SeldonDeployment) -> bool:
    return sum(1 for predictor in deployment.predictors for _ in predictor.graph.walk()) > 1
