"""The two sides of a comparison, and what they render where they may differ."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gitops.check.kustomization import Kustomization, kustomizations
from gitops.check.rendered import Rendered, render
from gitops.diff.inputs import Inputs
from gitops.errors import BadManifest, BuildFailed

# What a folder comes to: None where there is no kustomization on that side.
Outcome = Rendered | BuildFailed | BadManifest | None


class Side:
    """A tree of manifests in the folder ``root``, and how messages name it."""

    def __init__(self, title: str, root: Path) -> None:
        self.title = title
        self.root = root.resolve()

    @cached_property
    def kustomizations(self) -> dict[str, Kustomization]:
        """The kustomizations of the tree by their folder."""
        return {entry.folder: entry for entry in kustomizations(self.root)}

    @cached_property
    def inputs(self) -> Inputs:
        """What the kustomizations depend on."""
        return Inputs(self.root, self.kustomizations)

    def render(self, folder: str) -> Outcome:
        """Return what ``folder`` comes to on this side."""
        entry = self.kustomizations.get(folder)
        return None if entry is None or entry.is_component else render(self.root, folder)

    def words(self, error: Exception) -> str:
        """Return what an error says, with paths relative to the tree."""
        return str(error).replace(f"{self.root}/", "").replace(str(self.root), ".")


@dataclass(frozen=True)
class Pair:
    """What one kustomization comes to on both sides."""

    folder: str
    before: Outcome
    after: Outcome


def pairs(base: Side, head: Side) -> list[Pair]:
    """Return the kustomizations whose inputs differ, or may differ, rendered on both sides at once.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    folders = sorted(
        folder
        for folder in base.inputs.shown | head.inputs.shown
        if not _same(base.inputs, head.inputs, folder)
    )
    tasks = [(side, folder) for folder in folders for side in (base, head)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda task: task[0].render(task[1]), tasks))
    found = (
        Pair(folder, before, after)
        for folder, before, after in zip(folders, outcomes[::2], outcomes[1::2], strict=True)
    )
    return [pair for pair in found if not _broken_before(base, head, pair)]


def _broken_before(base: Side, head: Side, pair: Pair) -> bool:
    """Whether a kustomization did not build before, and nothing was done about it."""
    before, after = pair.before, pair.after
    return (
        isinstance(before, Exception)
        and isinstance(after, Exception)
        and base.words(before) == head.words(after)
        and base.inputs.local(pair.folder) == head.inputs.local(pair.folder)
    )


def _same(base: Inputs, head: Inputs, folder: str) -> bool:
    before = base.fingerprint(folder)
    return before is not None and before == head.fingerprint(folder)
