"""What differs between two objects, as rows that a reviewer reads: part, field, before, after."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitops.diff.deployment import IMAGE, MODEL_DIGEST, MODEL_URI, NODE, ROLES, SERVER, Part, Table, parts
from gitops.diff.flatten import ORDER, flatten
from gitops.diff.generated import stem
from gitops.diff.objects import Change
from gitops.diff.quantity import quantity
from gitops.diff.reading import read
from gitops.manifests import is_seldon_deployment, seldon_deployment

# What a reviewer looks for first; the rest keeps its order.
_FIRST = ((None, IMAGE), (NODE, MODEL_URI), (NODE, MODEL_DIGEST), (NODE, None), (SERVER, None))
# The same in all of a deployment's containers.
EVERY_CONTAINER = "every container"
# Parts that every node of a graph has once.
_COMMON = {NODE, "pod", *ROLES}
# Where the keys of Secrets, SealedSecrets and ConfigMaps stand.
_KEY = re.compile(r"^(?:spec\.encryptedData|stringData|data)\.")
# Where quantities stand: 1 and "1" are one there.
_QUANTITY = re.compile(r"\bresources\.(?:requests|limits)\.|\.sizeLimit$|\.storage$")
_VALUE = re.compile(r"^(env\[[^\]]*\])\.value$")


@dataclass(frozen=True)
class Row:
    """A value before and after; None where there is none. ``name`` tells several parts of one ``kind`` apart.

    ``whole`` says that the part itself is new or gone, with all its values.
    """

    kind: str
    name: str
    field: str
    before: str | None
    after: str | None
    whole: bool = False

    @property
    def part(self) -> str:
        """How a reviewer is told where the value stands."""
        between = " of " if self.kind == EVERY_CONTAINER and self.name else " "
        return f"{self.kind}{between}{self.name}".strip()


def rows(change: Change) -> list[Row]:
    """Return what differs, each difference once: what is the same in all parts of a kind stands for the kind."""
    before, after = _parts(change.before), _parts(change.after)
    found = [
        Row(kind, name, field, old, new, (kind, name) not in before or (kind, name) not in after)
        for kind, name in {**before, **after}
        for field, old, new in _differences(before.get((kind, name), {}), after.get((kind, name), {}))
    ]
    members: dict[str, set[str]] = defaultdict(set)
    for kind, name in before.keys() & after.keys():
        members[kind].add(name)
    return sorted(_all_containers(_each_once(found, members)), key=_rank)


def _parts(entry: Mapping[str, Any] | None) -> dict[Part, Table]:
    if entry is None:
        return {}
    if is_seldon_deployment(entry):
        return parts(seldon_deployment(entry))
    return {("", ""): flatten(entry)}


def _differences(before: Table, after: Table) -> Iterator[tuple[str, str | None, str | None]]:
    for field in {**before, **after}:
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        if field.endswith(ORDER) and sorted((old or "").split(", ")) != sorted((new or "").split(", ")):
            # Entries came or went, which other rows say.
            continue
        if old and new and _QUANTITY.search(field) and quantity(old) == quantity(new) is not None:
            # Written otherwise, and as much: 1000m and 1.
            continue
        if old and new and field.lower().endswith("name") and stem(old) == stem(new):
            # The name of a generated object follows its content, whose rows say what changed.
            continue
        if old is not None and new is not None and field.startswith("data."):
            yield from read(_label(field), old, new)
        else:
            yield _label(field), old, new


def _label(field: str) -> str:
    return _VALUE.sub(r"\1", _KEY.sub("key ", field))


def _each_once(found: list[Row], members: Mapping[str, set[str]]) -> list[Row]:
    """Return the rows with one in place of those that are equal for all nodes, even for the only one."""
    alike: dict[Row, set[str]] = defaultdict(set)
    for row in found:
        alike[replace(row, name="")].add(row.name)
    kept = []
    for row in found:
        unnamed = replace(row, name="")
        if row.whole or row.kind not in _COMMON or alike[unnamed] != members[row.kind]:
            kept.append(row)
        elif unnamed not in kept:
            kept.append(unnamed)
    return kept


def _all_containers(found: list[Row]) -> list[Row]:
    """Return the rows with one in place of those that are equal for the three containers of a node."""
    kept = []
    for row in found:
        if row.whole or row.kind not in ROLES or any(replace(row, kind=role) not in found for role in ROLES):
            kept.append(row)
        elif row.kind == ROLES[0]:
            kept.append(replace(row, kind=EVERY_CONTAINER))
    return kept


def _rank(row: Row) -> int:
    for rank, (kind, field) in enumerate(_FIRST):
        if kind in (None, row.kind) and field in (None, row.field):
            return rank
    return len(_FIRST)
