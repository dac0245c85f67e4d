"""What changes in the packages of a model's Python environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement as Specifier

from gitops.diff.model import LOCK, Model
from gitops.markdown import code
from server.environment.requirements import Requirement, requirement
from server.environment.requirements_lock import Lock
from server.errors import BadRequirements


@dataclass(frozen=True)
class Package:
    """A package before and after, empty where it is not there. ``direct`` says that the model itself lists it."""

    name: str
    before: str
    after: str
    direct: bool


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
    direct = listed[0].keys() | listed[1].keys()
    described = before.contract is not None and after.contract is not None
    changed = {name: (old, new) for name, old, new in _differences(*listed)} if described else {}
    notes: list[str] = []
    if before.lock and after.lock and before.lock != after.lock:
        locked = tuple(packages(side.requirements.entries) for side in (before.lock, after.lock))
        differences = list(_differences(*locked))
        changed |= {name: (old, new) for name, old, new in differences}
        same = {name: direct for name, direct in locked[0].items() if locked[1].get(name) == direct}
        notes += [*_made_for(before.lock, after.lock), *_files(before.lock, after.lock, same)]
    elif after.lock and not before.lock:
        number = len(after.lock.requirements.names)
        without = f"; it leaves out Python {', '.join(after.lock.left_out)}" if after.lock.left_out else ""
        notes.append(f"`{LOCK}` is new: {number} packages with hashes are installed{without}")
    elif before.lock and not after.lock:
        notes.append(f"`{LOCK}` is gone: every pod resolves the model's requirements when it starts")
    rows = (Package(name, old, new, name in direct) for name, (old, new) in sorted(changed.items()))
    return Requirements(tuple(rows), tuple(notes))


def _made_for(before: Lock, after: Lock) -> Iterator[str]:
    for what, old, new in (
        ("Pythons", before.pythons, after.pythons),
        ("Pythons left out", before.left_out, after.left_out),
        ("platforms", before.platforms, after.platforms),
    ):
        if old != new:
            yield f"{what} of the lock: {_listing(old)} → {_listing(new)}"


def _listing(names: tuple[str, ...]) -> str:
    return code(", ".join(names)) if names else "none"


def _files(before: Lock, after: Lock, same: dict[str, str]) -> Iterator[str]:
    """Yield which packages of the ``same`` version come in other files."""
    old, new = hashes(before.requirements.entries), hashes(after.requirements.entries)
    for name in sorted(same.keys() & old.keys()):
        if old[name] != new[name]:
            yield (
                f"{code(name)} {code(same[name])} has other files under the same version; "
                f"hashes: {len(old[name] - new[name])} gone, {len(new[name] - old[name])} new"
            )


def _differences(before: dict[str, str], after: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            yield name, before.get(name, ""), after.get(name, "")


def _listed(model: Model) -> dict[str, str]:
    """Return what the model itself lists; a line that is no requirement stands for itself."""
    return packages([_requirement(text) for text in model.contract.requirements]) if model.contract else {}


def _requirement(text: str) -> Requirement:
    try:
        return requirement(text, "contract.json")
    except BadRequirements:
        return Requirement(text, "contract.json", None)


_HASH = re.compile(r"--hash[=\s]\s*(\S+)")


def packages(entries: list[Requirement]) -> dict[str, str]:
    """Return what is asked of each package: its versions, with the condition of each where there is one."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(entry.name or entry.shown, []).append(
            _specifier(entry) if entry.name else entry.shown
        )
    return {name: ", ".join(sorted(direct)) for name, direct in found.items()}


def hashes(entries: list[Requirement]) -> dict[str, frozenset[str]]:
    """Return the hashes of each package's files."""
    found: dict[str, frozenset[str]] = {}
    for entry in entries:
        if entry.name:
            found[entry.name] = found.get(entry.name, frozenset()) | set(_HASH.findall(entry.text))
    return found


def _specifier(entry: Requirement) -> str:
    if entry.only_version:
        return entry.only_version
    specifier = Specifier(entry.shown)
    version = entry.version or str(specifier.specifier) or (f"@ {specifier.url}" if specifier.url else "any")
    extras = f"[{','.join(sorted(specifier.extras))}] " if specifier.extras else ""
    return f"{extras}{version}" + (f" ; {specifier.marker}" if specifier.marker else "")
