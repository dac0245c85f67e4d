"""What a model asks of its environment: a Python and requirements.

Source: https://mlflow.org/docs/latest/ml/model/dependencies/.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.environment import environment_files, flavors, interpreters, requirements_file
from server.environment.conda_packages import Kind
from server.environment.environment_files import Conda, Package
from server.environment.interpreters import PythonRequest
from server.environment.requirements import Requirement, Requirements
from server.errors import BadRequirements
from server.mlmodel import FILE, Model
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Specification:
    """What is to be installed, for which Python, and what of conda.yaml is not known to be on a package index.

    ``python`` is None where the model names none. ``notes`` tell how the model's files became this.
    """

    python: PythonRequest | None
    requirements: Requirements
    conda_packages: tuple[Package, ...]
    notes: tuple[str, ...]

    def check(self, settings: EnvironmentSettings) -> None:
        """Log the notes and what is added to the model's list, and refuse packages of conda, or leave them out if allowed.

        Raises:
            BadRequirements: conda.yaml lists packages that are on no package index.
        """
        for note in self.notes:
            log.info("%s", note)
        for entry in (*self.requirements.entries, *self.requirements.constraints):
            if entry.added:
                log.info("%s", entry)
        _check([package for package in self.conda_packages if package.known[0] is Kind.FOREIGN], settings)

    def settled(self, settings: EnvironmentSettings, listed: Callable[[str], bool]) -> Requirements:
        """Return the requirements with those packages of conda that are ``listed`` by name on the package index.

        Raises:
            BadRequirements: others are not there, or have a version that pip does not know.
        """
        result = replace(self.requirements, entries=list(self.requirements.entries))
        foreign = []
        for package in self.conda_packages:
            kind, name = package.known
            if kind is Kind.UNKNOWN and name not in result.names:
                if listed(name):
                    result.entries.append(package.requirement())
                    log.info("%s", _installed(package, result.entries[-1].shown))
                else:
                    foreign.append(package)
        _check(foreign, settings)
        return result


def read(model: Model) -> Specification:
    """Return what ``model`` asks for, and what it needs without asking.

    The list is requirements.txt, else the pip list of conda.yaml, else that of python_env.yaml, else what the
    flavours need. One without requirements hands its options, constraints and flags on to the next. The packages of
    conda that are Python packages are added to it where it does not name them. The Python is that of MLmodel, else of
    python_env.yaml, else of conda.yaml.

    Raises:
        BadRequirements: a list cannot be read.
    """
    folder = model.folder
    conda_yaml, python_env_yaml = _files(model)
    requested = (
        environment_files.read_conda(conda_yaml, folder)
        if conda_yaml.is_file()
        else Conda(None, Requirements(), [])
    )
    listed = requested.requirements
    notes: list[str] = []
    if (folder / "requirements.txt").is_file():
        listed = requirements_file.read(folder / "requirements.txt", folder).otherwise(listed)
        notes += _overruled("requirements.txt", listed, conda_yaml.name, requested.requirements)
    recorded = model.flavors.get("python_function", {}).get("python_version")
    pythons = {FILE: None if recorded is None else interpreters.requested_version(str(recorded))}
    build: list[Requirement] = []
    if python_env_yaml.is_file():
        env = environment_files.read_python_env(python_env_yaml, folder, listed=not listed.entries)
        listed = listed.otherwise(env.requirements)
        pythons[python_env_yaml.name] = interpreters.requested_version(env.python) if env.python else None
        build = env.build
    foreign = _taken(requested.packages, listed, notes)
    listed.entries += [entry for entry in build if listed.entries and entry.name not in listed.names]
    pythons[conda_yaml.name] = requested.python
    needed = flavors.needed(model)
    notes += _other_versions(needed, listed)
    if not listed.entries:
        listed = listed.otherwise(needed)
    flavors.complete(model, listed)
    python = next((request for request in pythons.values() if request), None)
    return Specification(python, listed, tuple(foreign), (*_other_pythons(pythons), *notes))


def _taken(packages: Sequence[Package], listed: Requirements, notes: list[str]) -> list[Package]:
    """Add the packages of conda that are known to be on the index to ``listed``, and return those that are not."""
    rest = []
    for package in packages:
        kind, name = package.known
        if kind in (Kind.PYTHON, Kind.UNKNOWN) and name in listed.names:
            notes.append(
                f"{package.origin}: {name} is listed for pip too, which counts; conda's {package.text} does not"
            )
        elif kind is Kind.PYTHON:
            listed.entries.append(package.requirement())
            notes.append(_installed(package, listed.entries[-1].shown))
        elif kind is not Kind.INCLUDED:
            rest.append(package)
        elif name not in ("pip", "wheel"):
            notes.append(
                f"{package.origin}: {package.text} of conda is left out: Python or the wheels bring it"
            )
    return rest


def _installed(package: Package, requirement: str) -> str:
    return f"{package.origin}: {package.text} of conda is installed from the package index as {requirement}"


def _check(foreign: Sequence[Package], settings: EnvironmentSettings) -> None:
    if not foreign:
        return
    packages = ", ".join(package.text for package in foreign)
    if not settings.ignore_conda_packages:
        raise BadRequirements(
            f"conda.yaml lists packages that only conda can install: {packages}; list what is on a pip index "
            "under pip and log the model again, or leave them out with ENVIRONMENT_IGNORE_CONDA_PACKAGES=true"
        )
    log.warning("left out, since only conda can install them: %s", packages)


def _overruled(file: str, listed: Requirements, other: str, others: Requirements) -> Iterator[str]:
    """Yield what says which of two lists of requirements counts, where the other asks for something else."""
    counts = {entry.shown for entry in listed.entries}
    differ = [entry.shown for entry in others.entries if entry.shown not in counts]
    if differ:
        yield f"{file} counts, and not what {other} lists for pip: {', '.join(differ)}"


def _other_pythons(pythons: dict[str, PythonRequest | None]) -> Iterator[str]:
    """Yield what says which Python counts, where the files ask for different ones."""
    requested = [(file, request) for file, request in pythons.items() if request]
    for file, request in requested[1:]:
        first, counts = requested[0]
        if not any(request.admits(minor) for minor in counts.minors):
            yield f"{first} asks for Python {counts} and {file} for {request}: {first} counts"


def _other_versions(recorded: Requirements, listed: Requirements) -> Iterator[str]:
    """Yield what says that the list counts where it pins another version than MLmodel records of a flavour."""
    versions = {entry.name: entry.version for entry in recorded.entries}
    for entry in listed.entries:
        version = versions.get(entry.name)
        if version and entry.version and entry.version != version:
            yield f"{FILE} records {entry.name} {version}; {entry} counts"


def _files(model: Model) -> tuple[Path, Path]:
    """Return the paths of conda.yaml and python_env.yaml, which the python_function flavour may name."""
    names = model.flavors.get("python_function", {}).get("env") or {}
    if not isinstance(names, dict):
        # MLflow before 2.0 names one file.
        names = {"conda": names}
    found = []
    for kind, default in (("conda", "conda.yaml"), ("virtualenv", "python_env.yaml")):
        name = str(names.get(kind) or default)
        path = model.folder / name
        if not path.resolve().is_relative_to(model.folder.resolve()):
            raise BadRequirements(
                f"MLmodel: env {name!r} of the flavour python_function is not a file of the model folder; "
                "log the model again"
            )
        found.append(path)
    return found[0], found[1]
