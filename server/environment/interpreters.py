"""The Python that a model asks for, the interpreters that are here, and which of them a model can have."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from packaging.specifiers import SpecifierSet

from server.environment.uv import Uv, UvError
from server.errors import BadRequirements, NoInterpreter

# Every minor version that may come, and patches enough to find a bound within one.
_MINORS = ((2, 7), *((3, minor) for minor in range(100)))
_PATCHES = range(50)
_REQUESTED = re.compile(r"^\D*(\d+)\.(\d+)")
T = TypeVar("T")

# The oldest Python that the model's process is written for.
OLDEST = (3, 8)
ROOT = Path("/")
# The variable that says where a version manager's folder is, that folder below the user's, and its folder of versions.
_VERSION_MANAGERS = (
    ("PYENV_ROOT", ".pyenv", "versions"),
    ("ASDF_DATA_DIR", ".asdf", "installs/python"),
    ("MISE_DATA_DIR", ".local/share/mise", "installs/python"),
)
# Homebrew's folders, and those of python.org's installer: PATH has them in terminals alone, whose profile says so.
INSTALLERS = (
    "opt/homebrew/opt/python@3.*/bin",
    "usr/local/opt/python@3.*/bin",
    "home/linuxbrew/.linuxbrew/opt/python@3.*/bin",
    "Library/Frameworks/Python.framework/Versions/3.*/bin",
)
# Every environment that conda, mamba or micromamba made, and the base that it is made from: the folder of each in a line.
_CONDA = ".conda/environments.txt"


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


def requested_version(text: str) -> PythonRequest:
    """Return the request for a version as MLflow records it, such as ``3.13.0``.

    Raises:
        BadRequirements: it is not a version.
    """
    match = _REQUESTED.match(text)
    if match is None:
        raise BadRequirements(
            f"the model asks for Python {text!r}: must be a version such as 3.13 or 3.13.0; log the model again"
        )
    return PythonRequest(text, ((int(match[1]), int(match[2])),))


def requested_range(text: str, specifiers: tuple[str, ...]) -> PythonRequest | None:
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
    def is_linux(self) -> bool:
        """Whether a pod can have it."""
        return self.platform.startswith("linux-")

    @property
    def cache_tag(self) -> str:
        """What it names its byte code by, as in ``cpython-313``."""
        return f"cpython-{self.version[0]}{self.version[1]}"

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.version)


def search_path(environ: Mapping[str, str]) -> str:
    """Return the PATH with every folder that a version manager or installer has put a Python in, and that of this process.

    uv itself searches the PATH and its own folder alone. The shims of version managers, which run the one Python that is
    chosen where they are called and fail for all others, are left out. tools/bootstrap.sh adds the same folders.

    Sources: https://github.com/pyenv/pyenv#environment-variables, https://asdf-vm.com/manage/configuration.html,
    https://mise.jdx.dev/directories.html, https://docs.brew.sh/Homebrew-and-Python, https://docs.python.org/3/using/mac.html and
    https://docs.conda.io/projects/conda/en/stable/dev-guide/api/conda/core/envs_manager/.
    """
    home = Path(environ.get("HOME") or "/")
    installed, shims = [], set()
    for variable, default, versions in _VERSION_MANAGERS:
        folder = Path(environ.get(variable) or home / default)
        installed += _folders(folder, f"{versions}/*/bin")
        shims.add(folder / "shims")
    for pattern in INSTALLERS:
        installed += _folders(ROOT, pattern)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for prefix in (home / _CONDA).read_text(encoding="utf-8").splitlines():
            installed += _folders(Path(prefix), "bin") if prefix else []
    path = [entry for entry in environ.get("PATH", os.defpath).split(os.pathsep) if Path(entry) not in shims]
    return os.pathsep.join(dict.fromkeys([*path, *installed, str(Path(sys.base_exec_prefix) / "bin")]))


def _folders(parent: Path, pattern: str) -> list[str]:
    """Return what a pattern finds in a folder; nothing where it may not be read, as another user's."""
    try:
        return sorted(map(str, parent.glob(pattern)))
    except OSError:
        return []


def present(uv: Uv) -> list[Interpreter]:
    """Return the interpreters that uv finds, oldest first, one per minor version: its newest patch.

    uv searches its own folder and those of ``search_path``. Those older than OLDEST, other than CPython, and builds such as
    the free-threaded one are left out: models' packages rarely have wheels for them.

    Raises:
        NoInterpreter: uv cannot look for them.
    """
    environ = {**uv.environ, "PATH": search_path(uv.environ)}
    try:
        listed = json.loads(
            replace(uv, environ=environ).run("python", "list", "--only-installed", "--output-format", "json")
        )
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
            uv.folder / entry["path"],  # One below the folder is told relative to it.
            f"{entry['os']}-{entry['arch']}-{entry['libc']}",
        )
        best = newest.get(found.version[:2])
        if found.version[:2] >= OLDEST and (best is None or found.version > best.version):
            newest[found.version[:2]] = found
    return [newest[minor] for minor in sorted(newest)]


def ordered(wanted: PythonRequest | None, among: Sequence[Interpreter], *, strict: bool) -> list[Interpreter]:
    """Return the interpreters on which a model that asks for ``wanted`` may run, the best first.

    If there are some that it asks for they are the only ones, those nearest to the server's own first. Else all are,
    the nearest minor version first, and of two that are equally near the older one, for which the wheels of old pins
    exist. A model that names no Python gets what is nearest to the server's own.

    Raises:
        NoInterpreter: there is none, or ``strict`` is true and there is none that the model asks for.
    """
    if not among:
        raise NoInterpreter(
            f"there is no Python interpreter of {OLDEST[0]}.{OLDEST[1]} or newer here, and the model "
            f"{f'asks for Python {wanted}' if wanted else 'names no Python'}; use an image that has one"
        )
    if wanted and strict and not any(wanted.admits(one.version) for one in among):
        such = f"Python {'.'.join(map(str, wanted.minors[0]))}" if wanted.exact else "such a Python"
        raise NoInterpreter(
            f"the model asks for Python {wanted}, and the interpreters here are {', '.join(map(str, among))}; "
            f"use an image that has {such}, or let the nearest one be used with ENVIRONMENT_STRICT_PYTHON=false"
        )
    return nearest(wanted, among, lambda one: one.version)


def nearest(
    wanted: PythonRequest | None, among: Iterable[T], version: Callable[[T], tuple[int, ...]]
) -> list[T]:
    """Return what ``ordered`` does, of anything that has a version."""
    own = PythonRequest("the server's own", (sys.version_info[:2],))
    request = wanted or own
    result = sorted(among, key=lambda one: request.distance(version(one)))
    requested = [one for one in result if request.admits(version(one))]
    return sorted(requested, key=lambda one: own.distance(version(one))) or result


def _is_usual(entry: dict[str, Any]) -> bool:
    return (
        entry["implementation"] == "cpython"
        and entry["variant"] == "default"
        and re.fullmatch(r"[\d.]+", entry["version"]) is not None
    )
