"""A conda.yaml file: the Python, the pip requirements and the conda packages that it lists.

Source: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html. Only what is on a
package index of Python can be had without conda.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from server.environment import conda_packages, match_spec, python_request, requirements_file, yaml_file
from server.environment.conda_packages import Kind
from server.environment.match_spec import MatchSpec
from server.environment.python_request import PythonRequest
from server.environment.requirements import Requirement, Requirements, requirement
from server.errors import BadRequirements

_UNDER_PIP = "list it under pip as name==version and log the model again"


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


def read(path: Path, folder: Path) -> Conda:
    """Return what the conda.yaml ``path`` in the model folder ``folder`` lists.

    Raises:
        BadRequirements: it is not YAML, its dependencies are not a list, or a pip requirement cannot be read.
    """
    python: PythonRequest | None = None
    pip: list[tuple[int, str]] = []
    packages: list[Package] = []
    for node in yaml_file.entries(path, yaml_file.fields(path).get("dependencies")):
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value != "pip":
                    raise yaml_file.bad(path, key, "must be pip with a list of requirements")
                pip += yaml_file.lines(path, value)
        elif isinstance(node, yaml.ScalarNode):
            spec = match_spec.read(node.value)
            if spec.name == "python":
                python = _python(path, node, spec)
            else:
                origin = f"{path.name}, line {node.start_mark.line + 1}"
                packages.append(Package(str(node.value), origin, spec))
        else:
            raise yaml_file.bad(path, node, "must be a package or pip with a list of requirements")
    return Conda(python, requirements_file.parse(pip, path, folder), packages)


def _python(path: Path, node: yaml.Node, spec: MatchSpec) -> PythonRequest | None:
    try:
        return python_request.within(spec.shown, spec.specifiers())
    except ValueError as error:
        raise yaml_file.bad(path, node, f"{spec.text!r}: {error}") from error
