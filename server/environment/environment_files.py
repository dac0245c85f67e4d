"""The files by which MLflow records a Python environment: python_env.yaml and conda.yaml.

Sources: https://mlflow.org/docs/latest/ml/projects/#python-virtual-environments and
https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html. Only what is on a package index of
Python can be had without conda.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from server.environment import conda_packages, interpreters, requirements_file
from server.environment.conda_packages import Kind, MatchSpec
from server.environment.interpreters import PythonRequest
from server.environment.requirements import Requirement, Requirements, requirement
from server.errors import BadRequirements

# What installs packages: uv does that here, and a served model does not.
_INSTALLERS = {"pip", "wheel"}
_UNDER_PIP = "list it under pip as name==version and log the model again"


def _fields(path: Path) -> dict[str, yaml.Node]:
    """Return the values of the mapping in ``path`` by their keys. Scalars keep their text: 3.10 is not 3.1.

    Raises:
        BadRequirements: the file is not YAML, or does not hold a mapping.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequirements(
            f"{path.name}: cannot be read as YAML ({' '.join(str(error).split())}); log the model again"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise BadRequirements(f"{path.name}: must be a mapping; log the model again")
    return {str(key.value): value for key, value in root.value}


def _entries(path: Path, node: yaml.Node | None) -> list[yaml.Node]:
    """Return the entries of the list ``node``; none where it is None or null.

    Raises:
        BadRequirements: it is no list.
    """
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise _bad(path, node, "must be a list")
    return list(node.value)


def _lines(path: Path, node: yaml.Node | None) -> list[tuple[int, str]]:
    """Return the entries of the list of texts ``node`` with their line numbers.

    Raises:
        BadRequirements: it is no list of texts.
    """
    result = []
    for entry in _entries(path, node):
        if not isinstance(entry, yaml.ScalarNode):
            raise _bad(path, entry, "must be a text")
        result.append((entry.start_mark.line + 1, str(entry.value)))
    return result


def _bad(path: Path, node: yaml.Node, rule: str) -> BadRequirements:
    """Return the error that says which ``rule`` the value ``node`` of ``path`` breaks."""
    return BadRequirements(f"{path.name}, line {node.start_mark.line + 1}: {rule}; log the model again")


@dataclass(frozen=True)
class PythonEnv:
    """What a python_env.yaml lists, ``build`` being the build dependencies that a served model can need."""

    python: str | None
    build: list[Requirement]
    requirements: Requirements


def read_python_env(path: Path, folder: Path, *, listed: bool) -> PythonEnv:
    """Return what the python_env.yaml ``path`` in the model folder ``folder`` lists.

    MLflow writes pip, setuptools and wheel as build dependencies, without a version where there was none when
    the model was logged: setuptools then is not needed. Its requirements are read only if ``listed`` is true;
    they mostly are a reference to requirements.txt.

    Raises:
        BadRequirements: it is not YAML, or a list or a requirement in it cannot be read.
    """
    found = _fields(path)
    python = found.get("python")
    build = requirements_file.parse(_lines(path, found.get("build_dependencies")), path, folder)
    dependencies = _lines(path, found.get("dependencies")) if listed else []
    return PythonEnv(
        python=str(python.value) if isinstance(python, yaml.ScalarNode) and python.value else None,
        build=[
            entry
            for entry in build.entries
            if entry.name not in _INSTALLERS and entry.text.lower() != "setuptools"
        ],
        requirements=requirements_file.parse(dependencies, path, folder),
    )


@dataclass(frozen=True)
class Package:
    """A conda package: its text, where it is listed, and its parsed match specification."""

    text: str
    origin: str
    spec: MatchSpec

    @property
    def known(self) -> tuple[Kind, str]:
        """Its kind by its name, and its name on the package index."""
        return conda_packages.known(self.spec.name)

    def requirement(self) -> Requirement:
        """Return the pip requirement that asks for the same version of the same package.

        Raises:
            BadRequirements: pip knows no such version, or only one of several alternatives could be asked for.
        """
        try:
            specifiers = self.spec.specifiers()
        except ValueError as error:
            raise BadRequirements(f"{self._refused}: {error}; {_UNDER_PIP}") from error
        if len(specifiers) > 1:
            raise BadRequirements(f"{self._refused}: pip has no alternatives of versions; {_UNDER_PIP}")
        return requirement(f"{self.known[1]}{specifiers[0]}", self.origin)

    @property
    def _refused(self) -> str:
        return f"{self.origin}: {self.text!r} of conda cannot be asked of pip"


@dataclass(frozen=True)
class Conda:
    """What a conda.yaml lists. ``packages`` are those besides Python; ``python`` is None where any will do."""

    python: PythonRequest | None
    requirements: Requirements
    packages: list[Package]


def read_conda(path: Path, folder: Path) -> Conda:
    """Return what the conda.yaml ``path`` in the model folder ``folder`` lists.

    Raises:
        BadRequirements: it is not YAML, its dependencies are not a list, or a pip requirement cannot be read.
    """
    python: PythonRequest | None = None
    pip: list[tuple[int, str]] = []
    packages: list[Package] = []
    for node in _entries(path, _fields(path).get("dependencies")):
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value != "pip":
                    raise _bad(path, key, "must be pip with a list of requirements")
                pip += _lines(path, value)
        elif isinstance(node, yaml.ScalarNode):
            spec = conda_packages.match_spec(node.value)
            if spec.name == "python":
                python = _python(path, node, spec)
            else:
                origin = f"{path.name}, line {node.start_mark.line + 1}"
                packages.append(Package(str(node.value), origin, spec))
        else:
            raise _bad(path, node, "must be a package or pip with a list of requirements")
    return Conda(python, requirements_file.parse(pip, path, folder), packages)


def _python(path: Path, node: yaml.Node, spec: MatchSpec) -> PythonRequest | None:
    try:
        return interpreters.requested_range(spec.shown, spec.specifiers())
    except ValueError as error:
        raise _bad(path, node, f"{spec.text!r}: {error}") from error
