"""Objects as flat tables of fields, with the entries of lists matched by their names or by what they have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# A row with this ending holds only the order of a list's entries.
ORDER = " (order)"


class Keyed(dict[str, Any]):
    """An entry of a list that another one was matched with by ``key``; ``alone`` where none was, so that it is one value."""

    def __init__(self, key: str, entry: Any, *, alone: bool = False) -> None:
        super().__init__(entry if isinstance(entry, Mapping) else {"": entry})
        self.key, self.alone = key, alone


def entry_names(entries: list[Any]) -> list[str] | None:
    """Return what tells the entries of a list apart, None where nothing does."""
    found = [_name(entry)[1] for entry in entries]
    return found if all(found) and len(set(found)) == len(found) else None


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Return every value below ``value`` as text by its path, such as ``env[HOME].value``.

    Entries of a list of objects are addressed by what Kubernetes tells them apart by, else by their place; a list
    of plain values is one value.
    """
    if isinstance(value, Keyed) and value.alone:
        inner = flatten(dict(value))
        return {path: ", ".join(f"{key} {text}".strip() for key, text in inner.items())}
    if isinstance(value, Mapping) and value:
        found: dict[str, str] = {}
        for key, entry in value.items():
            found |= flatten(entry, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        if any(isinstance(entry, Keyed) for entry in value):
            found = {}
            for entry in value:
                found |= flatten(entry, f"{path}[{entry.key}]")
            return found
        named = [_name(entry) for entry in value]
        shown = entry_names(value)
        known = shown is not None
        found = {f"{path}{ORDER}": ", ".join(shown)} if shown and len(shown) > 1 else {}
        for index, (entry, (key, name)) in enumerate(zip(value, named, strict=True)):
            if known:
                # The name stands in the path already, unless it is all that there is.
                rest = {other: inner for other, inner in entry.items() if other != key}
                found |= flatten(rest or entry, f"{path}[{name}]")
            else:
                found |= flatten(entry, f"{path}[{index}]")
        return found
    return {path: _text(value)}


def _name(entry: Any) -> tuple[str, str]:
    """Return what tells an entry of a list apart, as key and value: where it is mounted, its name, what it refers to."""
    if not isinstance(entry, Mapping):
        return "", ""
    for key in ("mountPath", "name"):
        if isinstance(entry.get(key), str):
            return key, entry[key]
    for key in ("secretRef", "configMapRef"):
        if isinstance(entry.get(key), Mapping):
            return "", f"{key} {name_without_hash(str(entry[key].get('name', '')))}"
    return "", ""


def _text(value: Any) -> str:
    if isinstance(value, str) and not _reads_as_other(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _reads_as_other(text: str) -> bool:
    """Whether a string looks like a number, true, false or null, so that only quotes tell it from one."""
    try:
        return not isinstance(json.loads(text), str)
    except ValueError:
        return False


def match_entries(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two values with what flatten tells the nameless entries of their lists apart by.

    Equal entries are one, then those that have most in common, then those in one place with the same fields; what is left is
    new or gone as a whole.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _mappings(before, after)
    if isinstance(before, list) and isinstance(after, list):
        if not any(isinstance(entry, Mapping) for entry in (*before, *after)):
            return before, after
        known = entry_names(before), entry_names(after)
        return _named(before, after, *known) if None not in known else _nameless(before, after)  # type: ignore[arg-type]
    return before, after


def _mappings(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Any, Any]:
    old, new = dict(before), dict(after)
    for key in before.keys() & after.keys():
        if before[key] != after[key]:
            old[key], new[key] = match_entries(before[key], after[key])
    return old, new


def _named(before: list[Any], after: list[Any], old: list[str], new: list[str]) -> tuple[Any, Any]:
    sides = list(before), list(after)
    for place, name in enumerate(old):
        if name in new:
            other = new.index(name)
            sides[0][place], sides[1][other] = match_entries(before[place], after[other])
    return sides


def _nameless(before: list[Any], after: list[Any]) -> tuple[Any, Any]:
    pairs: dict[int, int] = {}
    for place, entry in enumerate(after):
        equal = (other for other, old in enumerate(before) if old == entry and other not in pairs.values())
        if (found := next(equal, None)) is not None:
            pairs[place] = found
    free = [place for place in range(len(after)) if place not in pairs]
    left = [other for other in range(len(before)) if other not in pairs.values()]
    likeness = sorted(
        ((_alike(before[other], after[place]), place, other) for place in free for other in left),
        reverse=True,
    )
    for score, place, other in likeness:
        if score and place not in pairs and other not in pairs.values():
            pairs[place] = other
    for place in range(min(len(before), len(after))):
        # Then what stands in one place and is of one form, as one kind of generator is.
        if place not in pairs and place not in pairs.values() and _form(before[place]) == _form(after[place]):
            pairs[place] = place
    old: list[Any] = [Keyed(str(other), entry, alone=True) for other, entry in enumerate(before)]
    new: list[Any] = [Keyed(str(place), entry, alone=True) for place, entry in enumerate(after)]
    for place, other in pairs.items():
        one, two = match_entries(before[other], after[place])
        old[other], new[place] = Keyed(str(place), one), Keyed(str(place), two)
    return old, new


def _form(entry: Any) -> object:
    return frozenset(entry) if isinstance(entry, Mapping) else type(entry)


def _alike(before: Any, after: Any) -> int:
    """Return how many values two entries have in common."""
    return len(flatten(before).items() & flatten(after).items())


# Ten characters of kustomize's alphabet: letters and digits that spell no words.
_HASHED = re.compile(r"(?P<stem>.+)-[bcdfghkmt2456789]{10}")
GENERATED_KINDS = ("ConfigMap", "Secret")


def name_without_hash(name: str) -> str:
    """Return the name of a generated object without its hash; any other name as it is."""
    match = _HASHED.fullmatch(name)
    return match["stem"] if match else name
