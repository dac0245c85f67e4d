"""A conda.yaml file: the Python, the pip requirements and the conda packages that it lists.

Source: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html. Only Python and
pip's packages can be had without conda.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from server.environment import requirements_file, yaml_file
from server.environment.requirements import Requirements

# A conda match specification: [channel::]name, then a version after white space or an operator.
_MATCH = re.compile(r"^(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.\-]+)\s*(?P<version>.*)$")
# The one Python that it names: a bare version or one after = or ==, and maybe a build. A range names none, and
# python=3 no minor version that could be chosen.
_PYTHON = re.compile(r"^={0,2}\s*(?P<version>\d+\.\d+(?:[a-z.][\w.*]*)?)(?:(?:\s+|=)[\w.*]+)?\s*$")


@dataclass(frozen=True)
class Conda:
    """What a conda.yaml lists. ``packages`` are those besides Python and pip, as they are written.

    ``python`` is None where no version or a range of them is listed.
    """

    python: str | None
    requirements: Requirements
    packages: list[str]


def read(path: Path, folder: Path) -> Conda:
    """Return what the conda.yaml ``path`` in the model folder ``folder`` lists.

    Raises:
        BadRequirements: it is not YAML, its dependencies are not a list, or a pip requirement cannot be read.
    """
    python: str | None = None
    pip: list[tuple[int, str]] = []
    packages: list[str] = []
    for node in yaml_file.entries(path, yaml_file.fields(path).get("dependencies")):
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value != "pip":
                    raise yaml_file.bad(path, key, "must be pip with a list of requirements")
                pip += yaml_file.lines(path, value)
        elif isinstance(node, yaml.ScalarNode):
            match = _MATCH.match(node.value)
            name = match["name"].lower() if match else ""
            if match and name == "python":
                named = _PYTHON.match(match["version"])
                python = named["version"] if named else None
            elif name != "pip":
                packages.append(str(node.value))
        else:
            raise yaml_file.bad(path, node, "must be a package or pip with a list of requirements")
    return Conda(python, requirements_file.parse(pip, path, folder), packages)
