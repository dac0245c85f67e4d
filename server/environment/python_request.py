"""The Python that a model asks for: a version, whose minor version counts, or the range of versions of a conda.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from server.errors import BadRequirements

# Every minor version that may come, and patches enough to find a bound within one.
_MINORS = ((2, 7), *((3, minor) for minor in range(100)))
_PATCHES = range(50)
_VERSION = re.compile(r"^\D*(\d+)\.(\d+)")


@dataclass(frozen=True)
class PythonRequest:
    """What is asked for, as it is written, and the minor versions (major, minor) that it admits, oldest first."""

    text: str
    minors: tuple[tuple[int, int], ...]

    @property
    def exact(self) -> bool:
        """Whether it names one minor version."""
        return len(self.minors) == 1

    def admits(self, version: tuple[int, ...]) -> bool:
        """Whether a Python of this version will do."""
        return version[:2] in self.minors

    def distance(self, version: tuple[int, ...]) -> tuple[int, ...]:
        """Return what to sort versions by so that the nearest is first, and of two that are equally near the older one."""
        return min(
            (abs(version[0] - major), abs(version[1] - minor)) for major, minor in self.minors
        ) + tuple(version)

    def __str__(self) -> str:
        return self.text


def version(text: str) -> PythonRequest:
    """Return the request for a version as MLflow records it, such as ``3.13.0``.

    Raises:
        BadRequirements: it is not a version.
    """
    match = _VERSION.match(text)
    if match is None:
        raise BadRequirements(
            f"the model asks for Python {text!r}: must be a version such as 3.13 or 3.13.0; log the model again"
        )
    return PythonRequest(text, ((int(match[1]), int(match[2])),))


def within(text: str, specifiers: tuple[str, ...]) -> PythonRequest | None:
    """Return the request for what any of the pip ``specifiers`` admits; None where they admit every Python, or none.

    ``text`` is how the range is written.
    """
    sets = [SpecifierSet(specifier) for specifier in specifiers]
    minors = tuple(
        (major, minor)
        for major, minor in _MINORS
        if any(one.contains(f"{major}.{minor}.{patch}") for one in sets for patch in _PATCHES)
    )
    return PythonRequest(text, minors) if minors and minors != _MINORS else None
