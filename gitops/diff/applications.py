"""The Argo CD Applications of both checkouts, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitops.diff.pairs import Pair
from gitops.manifests.applications import FOLDER, Application, applications
from gitops.manifests.checkout import Checkout
from gitops.manifests.rendered import OVERLAYS, Rendered
from gitops.manifests.tree import Tree
from gitops.markdown import code, joined


@dataclass(frozen=True)
class Applied:
    """The Applications of one side by name; None where it cannot be told which there are, for the reason ``unknown``."""

    known: Mapping[str, Application] | None
    unknown: str = ""

    @property
    def folders(self) -> frozenset[str] | None:
        """The folders that are applied."""
        if self.known is None:
            return None
        return frozenset(folder for entry in self.known.values() for folder in entry.folders)


def applied(side: Checkout) -> Applied:
    """Return the Applications of a side.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    tree = Tree(side.root, side.kustomizations, {}, {}, {})
    for folder, entry in side.kustomizations.items():
        if not entry.is_component and (folder == FOLDER or folder.startswith(f"{FOLDER}/")):
            outcome = side.outcome(folder)
            if not isinstance(outcome, Rendered):
                return Applied(None, f"{code(folder)} does not build")
            tree.add(folder, outcome)
    found = applications(tree)
    if found is None:
        return Applied(None)
    if found.unknown:
        return Applied(None, joined([f"{code(owner)}: {code(why)}" for owner, why in found.unknown]))
    return Applied({entry.name: entry for entry in found.known})


def switched(
    compared: list[Pair], sides: tuple[Checkout, Checkout], applications: tuple[Applied, Applied]
) -> list[Pair]:
    """Return the pairs with those of overlays that are applied on one side only, to the cluster new or gone.

    Raises:
        ToolNotBuilt: kustomize cannot be had.
    """
    before, after = (entry.folders for entry in applications)
    if before is None or after is None:
        return compared
    found = {pair.folder: pair for pair in compared}
    renamed = {pair.was for pair in compared if pair.was}
    for folder in sorted(before ^ after):
        pair = found.get(folder)
        if not folder.startswith(f"{OVERLAYS}/") or folder in renamed or (pair and pair.was in before):
            continue
        if not all(folder in side.kustomizations for side in sides):
            continue
        old, new = sides[0].outcome(folder), sides[1].outcome(folder)
        if isinstance(old, Rendered) and isinstance(new, Rendered):
            found[folder] = Pair(folder, None, new) if folder in after else Pair(folder, old, None)
    return sorted(found.values(), key=lambda pair: pair.folder)


@dataclass(frozen=True)
class ApplicationChange:
    """An Application that is new, gone or another one: its name, what becomes of it, and where it leads before and after.

    ``folder`` is the first that it applied before, or applies now.
    """

    name: str
    state: str
    before: str
    after: str
    folder: str = ""

    @property
    def gone(self) -> bool:
        """Whether what it applied is applied no more."""
        return self.state == "gone"


def application_changes(before: Applied, after: Applied) -> Iterator[ApplicationChange]:
    """Yield what becomes of the Applications, those that go first."""
    if before.known is None or after.known is None:
        return
    lost = {name: entry for name, entry in before.known.items() if name not in after.known}
    new = {name: entry for name, entry in after.known.items() if name not in before.known}
    renamed: list[ApplicationChange] = []
    for name, entry in list(new.items()):
        was = next((other for other, old in lost.items() if old.folders == entry.folders), None)
        if was is not None:
            del new[name]
            renamed.append(ApplicationChange(f"{was} → {name}", "renamed", *_where(lost.pop(was), entry)))
    yield from (
        ApplicationChange(name, "gone", _where(entry, entry)[0], "", next(iter(entry.folders), ""))
        for name, entry in sorted(lost.items())
    )
    yield from renamed
    yield from (
        ApplicationChange(name, "new", "", _where(entry, entry)[1]) for name, entry in sorted(new.items())
    )
    for name in sorted(before.known.keys() & after.known.keys()):
        old, now = before.known[name], after.known[name]
        if old != now:
            yield ApplicationChange(name, _state(old, now), *_where(old, now))


def _state(before: Application, after: Application) -> str:
    if (before.cluster, before.namespace) != (after.cluster, after.namespace):
        return "moved"
    if before.project != after.project:
        return "other project"
    return "other folder" if before.repositories == after.repositories else "other source"


def _where(before: Application, after: Application) -> tuple[str, str]:
    """Return from where to where an Application applies on both sides, in a line each; what is equal is left out."""
    sides = []
    for entry in (before, after):
        message = f"{', '.join(entry.folders) or 'no folder'} → namespace {entry.namespace or 'none'}"
        if before.repositories != after.repositories:
            message += f", of {', '.join(dict.fromkeys(entry.repositories))}"
        if before.cluster != after.cluster:
            message += f", cluster {entry.cluster}"
        if before.project != after.project:
            message += f", project {entry.project}"
        sides.append(message)
    return sides[0], sides[1]
