"""The differences between two objects as rows: part, field, before, after."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitops.diff.config_map_data import differences
from gitops.diff.deployment import IMAGE, MODEL_DIGEST, MODEL_URI, NODE, ROLES, SERVER, Part, Table, parts
from gitops.diff.fields import ORDER, flatten, match_entries, name_without_hash
from gitops.diff.objects import Change
from gitops.manifests.quantity import quantity
from gitops.manifests.seldondeployment import SeldonDeployment, is_seldon_deployment, seldon_deployment

# Fields that come first in a table; the rest keeps its order.
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
    """A value before and after, None where absent. ``name`` distinguishes parts of one ``kind``.

    ``whole`` is true where the part itself is new or gone, with all its values.
    """

    kind: str
    name: str
    field: str
    before: str | None
    after: str | None
    whole: bool = False

    @property
    def part(self) -> str:
        """The part of the object as the report names it."""
        between = " of " if self.kind == EVERY_CONTAINER and self.name else " "
        return f"{self.kind}{between}{self.name}".strip()


def rows(change: Change) -> list[Row]:
    """Return what differs, each difference once: what is the same in all parts of a kind stands for the kind."""
    before, after, copies = _sides(change)
    found = [
        Row(kind, name, field, old, new, (kind, name) not in before or (kind, name) not in after)
        for kind, name in {**before, **after}
        for field, old, new in _differences(before.get((kind, name), {}), after.get((kind, name), {}))
    ]
    members: dict[str, set[str]] = defaultdict(set)
    for kind, name in before.keys() & after.keys():
        members[kind].add(name)
    told = _all_containers(_each_once(_copied(found, after, copies), members))
    return sorted(told, key=_rank)


def _sides(change: Change) -> tuple[dict[Part, Table], dict[Part, Table], dict[str, str]]:
    """Return the parts of both sides, and of each predictor that is new the one that it is told by."""
    if not (change.before and change.after):
        return _alone(change.before), _alone(change.after), {}
    before, after = match_entries(change.before, change.after)
    if not (is_seldon_deployment(before) and is_seldon_deployment(after)):
        return {("", ""): flatten(before)}, {("", ""): flatten(after)}, {}
    old, new = seldon_deployment(before), seldon_deployment(after)
    names = [[entry.name for entry in side.predictors] for side in (old, new)]
    kept = [name for name in names[0] if name in names[1]]
    # Where none has its name any more the first of both are one.
    mains = [(kept or side or [""])[0] for side in names]
    several = max(map(len, names)) > 1
    one, other = (parts(side, main, several=several) for side, main in zip((old, new), mains, strict=True))
    if not several:
        one = _renamed(one, old, new)
    copies = {name: mains[1] for name in names[1] if name not in names[0] and name != mains[1]}
    return one, other, copies


def _alone(entry: Mapping[str, Any] | None) -> dict[Part, Table]:
    if entry is None:
        return {}
    if is_seldon_deployment(entry):
        deployment = seldon_deployment(entry)
        first = deployment.predictors[0].name if deployment.predictors else ""
        return parts(deployment, first, several=len(deployment.predictors) > 1)
    return {("", ""): flatten(entry)}


def _renamed(
    found: dict[Part, Table], before: SeldonDeployment, after: SeldonDeployment
) -> dict[Part, Table]:
    """Return the parts of a deployment of one node by the name that the node has now."""
    nodes = [
        [node.name for predictor in side.predictors for node in predictor.graph.walk()]
        for side in (before, after)
    ]
    if not (len(nodes[0]) == len(nodes[1]) == 1) or nodes[0] == nodes[1]:
        return found
    (old,), (new,) = nodes
    return {(kind, new if name == old else name): table for (kind, name), table in found.items()}


def _copied(found: list[Row], after: Mapping[Part, Table], copies: Mapping[str, str]) -> list[Row]:
    """Return the rows with those of a new predictor, such as a canary, in place of which stands what differs from the main one."""
    kept = list(found)
    for name, main in copies.items():
        own = {
            part: table for part, table in after.items() if part[1] == name or part[1].startswith(f"{name}/")
        }
        pairs = {
            part: after.get((part[0], main if part[1] == name else part[1].removeprefix(f"{name}/")))
            for part in own
        }
        if any(table is None for table in pairs.values()):
            continue
        rows_of = [
            Row(kind, part, field, old, new)
            for (kind, part), other in pairs.items()
            for field, old, new in _differences(other or {}, own[kind, part])
            if not (kind == "predictor" and field == "name")
        ]
        kept = [row for row in kept if (row.kind, row.name) not in own]
        kept += [Row("predictor", name, "a copy of", None, main), *rows_of]
    return kept


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
        if (
            old
            and new
            and field.lower().endswith("name")
            and name_without_hash(old) == name_without_hash(new)
        ):
            # The name of a generated object follows its content, whose rows say what changed.
            continue
        if old is not None and new is not None and field.startswith("data."):
            yield from differences(_label(field), _unquoted(old), _unquoted(new))
        else:
            yield _label(field), old, new


def _unquoted(text: str) -> str:
    """Return a string that flatten quoted because it looks like JSON."""
    return str(json.loads(text)) if text.startswith('"') else text


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
