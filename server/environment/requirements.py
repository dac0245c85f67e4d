"""Pip requirements: one of them, with where it comes from, and a list of them as uv gets it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Specifier
from packaging.utils import canonicalize_name
from packaging.version import Version

from server.environment import uv
from server.errors import BadRequirements

_HASH = re.compile(r"\s+--hash[=\s]\s*\S+")
# What a lock is made of, hundreds of them; packaging reads all else.
_PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[0-9]+(?:\.[0-9]+)*)"
)
# A path or a bare URL in place of a name: it holds a slash or ends like a distribution.
_LOCATION = re.compile(r"^[^\s@;\[]*(?:/|\.whl\b|\.tar\.gz\b|\.zip\b)")


@dataclass(frozen=True)
class Requirement:
    """A requirement, and its ``origin``: the file and line where it stands, or why it was added.

    ``name`` is the package's normalised name, or None where only the file or URL that is asked for knows it.
    """

    text: str
    origin: str
    name: str | None
    added: bool = False

    @property
    def shown(self) -> str:
        """The requirement as it may be printed: without its hashes and the credentials in its URL."""
        return uv.redacted(_HASH.sub("", self.text))

    @property
    def hashed(self) -> bool:
        """Whether it has a hash."""
        return _HASH.search(self.text) is not None

    @property
    def path(self) -> str | None:
        """The path that it asks for, relative to the model folder, or None."""
        return None if self.name or "://" in self.text else _HASH.sub("", self.text).split(";")[0].strip()

    @property
    def version(self) -> str | None:
        """The version that it is pinned to with ==, or None."""
        if self.name is None:
            return None
        if self.only_version:
            return self.only_version
        pins = [(pin.operator, pin.version) for pin in Specifier(_HASH.sub("", self.text)).specifier]
        return next((text for operator, text in pins if operator in ("==", "===") and "*" not in text), None)

    @property
    def only_version(self) -> str:
        """The version that it is pinned to where it says nothing else, as almost all of a lock, else empty."""
        pinned = _PINNED.fullmatch(_HASH.sub("", self.text))
        return pinned["version"] if pinned else ""

    def admits(self, version: str) -> bool:
        """Whether ``version`` of the package is one that it asks for."""
        return self.name is None or Specifier(_HASH.sub("", self.text)).specifier.contains(
            version, prereleases=True
        )

    def open_at(self, version: str) -> bool:
        """Whether it leaves open how new the package may be, and does not want ``version`` or a newer one."""
        if self.name is None:
            return False
        wanted = Specifier(_HASH.sub("", self.text))
        return wanted.url is None and all(
            pin.operator == "!=" or (pin.operator in (">", ">=") and Version(pin.version) < Version(version))
            for pin in wanted.specifier
        )

    def __str__(self) -> str:
        return f"{self.origin}: {self.shown}"


@dataclass
class Requirements:
    """Requirements and constraints in their order, options of the file format as lines, and flags for uv."""

    entries: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """Normalised names of the packages that are asked for."""
        return {entry.name for entry in self.entries if entry.name is not None}

    @property
    def text(self) -> str:
        """The list without its constraints, in the requirements file format."""
        return "".join(f"{line}\n" for line in (*self.options, *(entry.text for entry in self.entries)))

    @property
    def constraints_text(self) -> str:
        """The constraints, in the requirements file format."""
        return "".join(f"{entry.text}\n" for entry in self.constraints)

    def otherwise(self, other: Requirements) -> Requirements:
        """Return this list if it asks for something, else ``other`` with the options, constraints and flags of both.

        The index of this list counts before that of ``other``: uv takes one --index-url only.
        """
        if self.entries:
            return self
        own = any(line.startswith("--index-url ") for line in self.options)
        options = [line for line in other.options if not (own and line.startswith("--index-url "))]
        flags = dict.fromkeys((*_with_values(self.flags), *_with_values(other.flags)))
        return Requirements(
            other.entries,
            list(dict.fromkeys((*self.constraints, *other.constraints))),
            list(dict.fromkeys((*self.options, *options))),
            [word for flag in flags for word in flag],
        )

    def add(self, text: str, reason: str) -> None:
        """Add the requirement ``text``, which the model does not list but needs."""
        self.entries.append(requirement(text, f"added, since {reason}", added=True))

    def pin(self, name: str, version: str, reason: str) -> None:
        """Keep the package ``name`` at ``version``, whoever asks for it."""
        self.constraints.append(requirement(f"{name}=={version}", f"limited, since {reason}", added=True))

    def limit(self, name: str, version: str, reason: str) -> None:
        """Keep the package ``name`` below ``version``, unless the model says itself how new it may be."""
        said = [entry for entry in (*self.entries, *self.constraints) if entry.name == name]
        if all(entry.open_at(version) for entry in said):
            text = f"{name}<{version}"
            self.constraints.append(requirement(text, f"limited, since {reason}", added=True))


def _with_values(flags: list[str]) -> list[tuple[str, ...]]:
    """Return the flags of a command line, each with its value if it has one."""
    starts = [number for number, word in enumerate(flags) if word.startswith("--")]
    return [tuple(flags[start:end]) for start, end in pairwise((*starts, len(flags)))]


def requirement(text: str, origin: str, *, added: bool = False) -> Requirement:
    """Return ``text``, a requirement by name, URL or path, with its hashes if it has any.

    Raises:
        BadRequirements: it has another format.
    """
    plain = _HASH.sub("", text)
    if _LOCATION.match(plain):
        return Requirement(text, origin, None, added)
    pinned = _PINNED.fullmatch(plain)
    if pinned:
        return Requirement(text, origin, canonicalize_name(pinned["name"]), added)
    try:
        return Requirement(text, origin, canonicalize_name(Specifier(plain).name), added)
    except InvalidRequirement as error:
        raise BadRequirements(
            f"{origin}: {uv.redacted(text)!r} is not a requirement ({str(error).splitlines()[0]}); "
            "write name==version, as pip reads it, and log the model again"
        ) from error
