"""The kustomizations that differ between two checkouts, rendered from both."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gitops.manifests.checkout import Checkout, FolderResult
from gitops.manifests.dependencies import Dependencies
from gitops.manifests.rendered import Rendered


@dataclass(frozen=True)
class Pair:
    """What one kustomization comes to on both sides; ``was`` is its folder before where that is another."""

    folder: str
    before: FolderResult
    after: FolderResult
    was: str = ""


def changed_pairs(base: Checkout, head: Checkout) -> list[Pair]:
    """Return the kustomizations whose inputs differ, or may differ, rendered on both sides at once.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    folders = sorted(
        folder
        for folder in base.inputs.top_level | head.inputs.top_level
        if not _same(base.inputs, head.inputs, folder)
    )
    tasks = [(side, folder) for folder in folders for side in (base, head)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda task: task[0].outcome(task[1]), tasks))
    found = (
        Pair(folder, before, after)
        for folder, before, after in zip(folders, outcomes[::2], outcomes[1::2], strict=True)
    )
    return _renamed([pair for pair in found if not _broken_before(base, head, pair)])


def _renamed(found: list[Pair]) -> list[Pair]:
    """Return the pairs with one in place of two where a folder is another's under a new name.

    It is known by the deployments that both render, or by the model that both pin where only one of each does.
    """
    gone = [pair for pair in found if pair.after is None and isinstance(pair.before, Rendered)]
    new = [pair for pair in found if pair.before is None and isinstance(pair.after, Rendered)]
    for likeness in (_deployments, _models):
        for pair in list(new):
            alike = [other for other in gone if likeness(other.before) == likeness(pair.after) != frozenset()]
            rivals = [other for other in new if likeness(other.after) == likeness(pair.after)]
            if len(alike) == 1 and len(rivals) == 1:
                (old,) = alike
                new.remove(pair)
                gone.remove(old)
                found = [entry for entry in found if entry is not old and entry is not pair]
                found.append(Pair(pair.folder, old.before, pair.after, old.folder))
    return sorted(found, key=lambda pair: pair.folder)


def _deployments(outcome: FolderResult) -> frozenset[object]:
    if not isinstance(outcome, Rendered):
        return frozenset()
    return frozenset((entry.namespace, entry.name) for entry in outcome.deployments)


def _models(outcome: FolderResult) -> frozenset[object]:
    """Return the model that a folder pins, and as which type of node it serves it."""
    if not isinstance(outcome, Rendered) or outcome.node is None:
        return frozenset()
    return frozenset({(outcome.node.model_uri, outcome.node.model_digest, outcome.node.type)})


def _broken_before(base: Checkout, head: Checkout, pair: Pair) -> bool:
    """Whether a kustomization did not build before, and nothing was done about it."""
    before, after = pair.before, pair.after
    return (
        isinstance(before, Exception)
        and isinstance(after, Exception)
        and base.words(before) == head.words(after)
        and base.inputs.local(pair.folder) == head.inputs.local(pair.folder)
    )


def _same(base: Dependencies, head: Dependencies, folder: str) -> bool:
    before = base.fingerprint(folder)
    return before is not None and before == head.fingerprint(folder)
