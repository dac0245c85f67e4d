"""What Argo CD applies before and after: the Applications that argocd/ makes of each side's tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops.check.applications import FOLDER, Application, applications
from gitops.check.rendered import Rendered
from gitops.check.tree import Tree
from gitops.diff.markdown import code, joined
from gitops.diff.side import Side


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


def applied(side: Side) -> Applied:
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


@dataclass(frozen=True)
class ApplicationChange:
    """An Application that is new, gone or another one: its name, what becomes of it, and where it leads before and after."""

    name: str
    state: str
    before: str
    after: str

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
            renamed.append(
                ApplicationChange(f"{was} → {name}", "renamed", _where(lost.pop(was)), _where(new.pop(name)))
            )
    yield from (ApplicationChange(name, "gone", _where(entry), "") for name, entry in sorted(lost.items()))
    yield from renamed
    yield from (ApplicationChange(name, "new", "", _where(entry)) for name, entry in sorted(new.items()))
    for name in sorted(before.known.keys() & after.known.keys()):
        old, now = before.known[name], after.known[name]
        if old != now:
            yield ApplicationChange(name, _state(old, now), _where(old), _where(now))


def _state(before: Application, after: Application) -> str:
    if (before.cluster, before.namespace) != (after.cluster, after.namespace):
        return "moved"
    return "other project" if before.project != after.project else "other source"


def _where(entry: Application) -> str:
    """Return from where to where an Application applies, in a line."""
    sources: Sequence[str] = entry.folders or ("no folder",)
    repositories = sorted(set(entry.repositories))
    return (
        f"{', '.join(sources)} of {', '.join(repositories)} → {entry.cluster} namespace {entry.namespace or 'none'}, "
        f"project {entry.project}"
    )
