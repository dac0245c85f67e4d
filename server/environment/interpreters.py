"""The Python interpreters that are here, and which of them a model can have.

Source: https://docs.astral.sh/uv/concepts/python-versions/ (how uv finds them).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.environment.uv import Uv, UvError
from server.errors import BadRequirements, NoInterpreter

# The oldest Python that the model's process is written for.
OLDEST = (3, 8)


@dataclass(frozen=True)
class Interpreter:
    """A CPython: ``version`` is (major, minor, patch), ``platform`` as in ``linux-x86_64-gnu``."""

    version: tuple[int, int, int]
    path: Path
    platform: str

    @property
    def minor(self) -> str:
        """The minor version, as in ``3.13``."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def system(self) -> str:
        """The operating system and the processor, as in ``linux-x86_64``."""
        return self.platform.rpartition("-")[0]

    @property
    def cache_tag(self) -> str:
        """What it names its byte code by, as in ``cpython-313``."""
        return f"cpython-{self.version[0]}{self.version[1]}"

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.version)


def present(uv: Uv) -> list[Interpreter]:
    """Return the interpreters that uv finds, oldest first, one per minor version: its newest patch.

    Those older than OLDEST, other than CPython, and builds such as the free-threaded one are left out: models'
    packages rarely have wheels for them.

    Raises:
        NoInterpreter: uv cannot look for them.
    """
    try:
        listed = json.loads(uv.run("python", "list", "--only-installed", "--output-format", "json"))
    except UvError as error:
        raise NoInterpreter(
            f"uv cannot list the Python interpreters: {error}; correct its settings (UV_…)"
        ) from error
    newest: dict[tuple[int, int], Interpreter] = {}
    for entry in listed:
        if not _is_usual(entry):
            continue
        parts = entry["version_parts"]
        found = Interpreter(
            (parts["major"], parts["minor"], parts["patch"]),
            Path(entry["path"]),
            f"{entry['os']}-{entry['arch']}-{entry['libc']}",
        )
        best = newest.get(found.version[:2])
        if found.version[:2] >= OLDEST and (best is None or found.version > best.version):
            newest[found.version[:2]] = found
    return [newest[minor] for minor in sorted(newest)]


def ordered(wanted: str | None, among: Sequence[Interpreter], *, strict: bool) -> list[Interpreter]:
    """Return the interpreters on which a model that asks for ``wanted`` may run, the best first.

    If there is one of the wanted minor version it is the only one. Else all are, the nearest minor version
    first, and of two that are equally near the older one, for which the wheels of old pins exist. A model
    that names no Python gets what is nearest to the server's own.

    Raises:
        BadRequirements: ``wanted`` is not a version.
        NoInterpreter: there is none, or ``strict`` is true and there is none of the wanted minor version.
    """
    major, minor = version(wanted) if wanted else sys.version_info[:2]
    if not among:
        raise NoInterpreter(
            f"there is no Python interpreter of {OLDEST[0]}.{OLDEST[1]} or newer here, and the model "
            f"{f'asks for Python {wanted}' if wanted else 'names no Python'}; use an image that has one"
        )
    exact = [interpreter for interpreter in among if interpreter.version[:2] == (major, minor)]
    if exact:
        return exact
    if wanted and strict:
        raise NoInterpreter(
            f"the model asks for Python {wanted}, and the interpreters here are {', '.join(map(str, among))}; "
            f"use an image that has Python {major}.{minor}, or let the nearest one be used with "
            "ENVIRONMENT_STRICT_PYTHON=false"
        )
    return sorted(among, key=lambda one: distance(one.version, (major, minor)))


def distance(version: tuple[int, ...], wanted: tuple[int, int]) -> tuple[int, ...]:
    """Return what to sort versions by so that the nearest to ``wanted`` is first; see ``ordered``."""
    return abs(version[0] - wanted[0]), abs(version[1] - wanted[1]), *version


def version(wanted: str) -> tuple[int, int]:
    """Return the minor version (major, minor) of a version as a model names it, such as ``3.13.0``.

    Raises:
        BadRequirements: it is not a version.
    """
    match = re.match(r"^\D*(\d+)\.(\d+)", wanted)
    if match is None:
        raise BadRequirements(
            f"the model asks for Python {wanted!r}: must be a version such as 3.13 or 3.13.0; log the model again"
        )
    return int(match[1]), int(match[2])


def _is_usual(entry: dict[str, Any]) -> bool:
    return (
        entry["implementation"] == "cpython"
        and entry["variant"] == "default"
        and re.fullmatch(r"[\d.]+", entry["version"]) is not None
    )
