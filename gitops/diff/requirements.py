"""What changes in the packages that a model's environment consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops.diff import lock
from gitops.diff.markdown import code
from gitops.diff.model import Model
from server.environment.requirements import Requirement, requirement
from server.errors import BadRequirements


@dataclass(frozen=True)
class Package:
    """A package before and after, empty where it is not there. ``asked`` says that the model itself lists it."""

    name: str
    before: str
    after: str
    asked: bool


@dataclass(frozen=True)
class Requirements:
    """The packages that change, and one line of Markdown each for what else does."""

    packages: tuple[Package, ...]
    notes: tuple[str, ...]

    @property
    def says(self) -> bool:
        """Whether anything changes."""
        return bool(self.packages or self.notes)


def requirements(before: Model, after: Model) -> Requirements:
    """Return what changes: in the locks where both sides have one, and in what the models themselves list."""
    listed = _listed(before), _listed(after)
    asked = listed[0].keys() | listed[1].keys()
    described = before.contract is not None and after.contract is not None
    changed = {name: (old, new) for name, old, new in _differences(*listed)} if described else {}
    if before.lock and after.lock:
        locked = tuple(lock.packages(side.lock.requirements.entries) for side in (before, after) if side.lock)
        changed |= {name: (old, new) for name, old, new in _differences(*locked)}
    rows = (Package(name, old, new, name in asked) for name, (old, new) in sorted(changed.items()))
    return Requirements(tuple(rows), tuple(_notes(before, after)))


def _notes(before: Model, after: Model) -> Iterator[str]:
    old, new = before.lock, after.lock
    if new and not old:
        yield f"`{lock.FILE}` is new: {len(new.requirements.names)} packages with hashes are installed"
    elif old and not new:
        yield f"`{lock.FILE}` is gone: every pod resolves the model's requirements when it starts"
    elif old and new:
        for what, was, now in (
            ("Pythons", old.pythons, new.pythons),
            ("platforms", old.platforms, new.platforms),
        ):
            if was != now:
                yield f"{what} of the lock: {code(', '.join(was))} → {code(', '.join(now))}"
        hashes = lock.hashes(old.requirements.entries), lock.hashes(new.requirements.entries)
        versions = lock.packages(old.requirements.entries), lock.packages(new.requirements.entries)
        for name in sorted(hashes[0].keys() & hashes[1].keys()):
            if hashes[0][name] != hashes[1][name] and versions[0][name] == versions[1][name]:
                lost, more = hashes[0][name] - hashes[1][name], hashes[1][name] - hashes[0][name]
                yield (
                    f"{code(name)} {code(versions[0][name])} has other files under the same version: "
                    f"{len(lost)} hashes are gone, {len(more)} are new"
                )


def _differences(before: dict[str, str], after: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            yield name, before.get(name, ""), after.get(name, "")


def _listed(model: Model) -> dict[str, str]:
    """Return what the model itself lists; a line that is no requirement stands for itself."""
    return (
        lock.packages([_requirement(text) for text in model.contract.requirements]) if model.contract else {}
    )


def _requirement(text: str) -> Requirement:
    try:
        return requirement(text, "contract.json")
    except BadRequirements:
        return Requirement(text, "contract.json", None)
