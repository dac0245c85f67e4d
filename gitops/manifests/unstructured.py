"""Typed fields of unstructured objects; a field of another type is an error that names object and path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gitops.errors import BadManifest


def nested(entry: Any, *path: str) -> Any:
    """Return what stands at ``path`` in an object, None where nothing does."""
    for key in path:
        if not isinstance(entry, Mapping) or key not in entry:
            return None
        entry = entry[key]
    return entry


def nested_list(entry: Any, *path: str) -> list[Any]:
    """Return the list at ``path`` in an object, an empty one where there is none."""
    found = nested(entry, *path)
    return found if isinstance(found, list) else []


def nested_map(entry: Any, *path: str) -> dict[str, Any]:
    """Return the object at ``path`` in an object, an empty one where there is none."""
    found = nested(entry, *path)
    return dict(found) if isinstance(found, Mapping) else {}


T = TypeVar("T")

_WORDS = {str: "a string", bool: "true or false", int: "a whole number", dict: "an object", list: "a list"}


def leaves(value: Any) -> Iterator[Any]:
    """Yield every value inside of objects and lists that is neither."""
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from leaves(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from leaves(entry)
    else:
        yield value


@dataclass(frozen=True)
class Unstructured:
    """An object inside a rendered object: its owner ("SeldonDeployment name"), its path, and its content."""

    owner: str
    path: str
    raw: Mapping[str, Any]

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without a ``default`` it must be there."""
        return self._value(key, str, default)

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return true or false; without a ``default`` it must be there."""
        return self._value(key, bool, default)

    def number(self, key: str, default: int | None = None) -> int:
        """Return a whole number; without a ``default`` it must be there."""
        return self._value(key, int, default)

    def part(self, key: str) -> Unstructured:
        """Return the object under ``key``, an empty one if there is none."""
        return Unstructured(self.owner, self._join(key), self._value(key, dict, {}))

    def parts(self, key: str) -> tuple[Unstructured, ...]:
        """Return the objects of the list under ``key``, none if there is not a list."""
        values = self._value(key, list, [])
        return tuple(
            Unstructured(self.owner, path := f"{self._join(key)}[{index}]", self._typed(path, value, dict))
            for index, value in enumerate(values)
        )

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of the list under ``key``, none if there is not a list."""
        values = self._value(key, list, [])
        return tuple(
            self._typed(f"{self._join(key)}[{index}]", value, str) for index, value in enumerate(values)
        )

    def mapping(self, key: str) -> dict[str, str]:
        """Return the object of strings under ``key``, such as annotations."""
        part = self.part(key)
        return {name: part.text(name) for name in part.raw}

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _value(self, key: str, kind: type[T], default: T | None) -> T:
        value = self.raw.get(key)
        if value is None and default is not None:
            return default
        return self._typed(self._join(key), value, kind)

    def _typed(self, path: str, value: Any, kind: type[T]) -> T:
        # In Python true is an int as well.
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        shown = "nothing" if value is None else repr(value)
        raise BadManifest(f"{self.owner}: {path} is {shown}: must be {_WORDS[kind]}")
