"""Entries of lists that have no names, matched between two objects by what they say before where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops.diff.flatten import Keyed, flatten, names


def aligned(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two values with what flatten tells the nameless entries of their lists apart by.

    Equal entries are one, then those that have most in common, then those in one place with the same fields; what is left is
    new or gone as a whole.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return _mappings(before, after)
    if isinstance(before, list) and isinstance(after, list):
        if not any(isinstance(entry, Mapping) for entry in (*before, *after)):
            return before, after
        known = names(before), names(after)
        return _named(before, after, *known) if None not in known else _nameless(before, after)  # type: ignore[arg-type]
    return before, after


def _mappings(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Any, Any]:
    old, new = dict(before), dict(after)
    for key in before.keys() & after.keys():
        if before[key] != after[key]:
            old[key], new[key] = aligned(before[key], after[key])
    return old, new


def _named(before: list[Any], after: list[Any], old: list[str], new: list[str]) -> tuple[Any, Any]:
    sides = list(before), list(after)
    for place, name in enumerate(old):
        if name in new:
            other = new.index(name)
            sides[0][place], sides[1][other] = aligned(before[place], after[other])
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
        one, two = aligned(before[other], after[place])
        old[other], new[place] = Keyed(str(place), one), Keyed(str(place), two)
    return old, new


def _form(entry: Any) -> object:
    return frozenset(entry) if isinstance(entry, Mapping) else type(entry)


def _alike(before: Any, after: Any) -> int:
    """Return how many values two entries have in common."""
    return len(flatten(before).items() & flatten(after).items())
