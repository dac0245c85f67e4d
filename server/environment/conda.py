"""A conda.yaml file: the Python, the pip requirements and the conda packages that it lists.

Source: https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html. Only Python and
pip's packages can be had without conda.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from server.environment import requirements
from server.errors import BadRequirements

# A conda match specification: [channel::]name, then a version after white space or an operator.
_MATCH = re.compile(r"^(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.\-]+)\s*(?P<version>.*)$")


@dataclass(frozen=True)
class Conda:
    """What a conda.yaml lists. ``packages`` are those besides Python and pip, as they are written."""

    python: str | None
    requirements: requirements.Requirements
    packages: list[str]


def read(path: Path, folder: Path) -> Conda:
    """Return what the conda.yaml ``path`` in the model folder ``folder`` lists.

    Raises:
        BadRequirements: it is not YAML, its dependencies are not a list, or a pip requirement cannot be read.
    """
    python: str | None = None
    pip: list[tuple[int, str]] = []
    packages: list[str] = []
    for node in dependencies(path, "dependencies"):
        if isinstance(node, yaml.ScalarNode):
            match = _MATCH.match(node.value)
            name = match["name"].lower() if match else node.value
            if name == "python":
                python = match["version"].lstrip("= ") or None if match else None
            elif name != "pip":
                packages.append(node.value)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value != "pip" or not isinstance(value, yaml.SequenceNode):
                    raise _bad(path, key, "must be pip with a list of requirements")
                pip.extend((entry.start_mark.line + 1, str(entry.value)) for entry in value.value)
        else:
            raise _bad(path, node, "must be a package or pip with a list of requirements")
    return Conda(python, requirements.parse(pip, path, folder), packages)


def dependencies(path: Path, key: str) -> list[yaml.Node]:
    """Return the YAML nodes of the list ``key`` of the mapping in ``path``; none where there is no such key.

    Raises:
        BadRequirements: the file is not YAML, or does not hold a mapping with a list there.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequirements(
            f"{path.name}: is not YAML ({' '.join(str(error).split())}); log the model again"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise BadRequirements(f"{path.name}: must be a mapping with {key}; log the model again")
    for name, value in root.value:
        if name.value == key:
            if not isinstance(value, yaml.SequenceNode):
                raise _bad(path, value, f"{key} must be a list")
            return list(value.value)
    return []


def _bad(path: Path, node: yaml.Node, rule: str) -> BadRequirements:
    return BadRequirements(f"{path.name}, line {node.start_mark.line + 1}: {rule}; log the model again")
