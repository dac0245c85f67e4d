"""A python_env.yaml file: the Python, the build dependencies and the requirements that it lists.

Source: https://mlflow.org/docs/latest/ml/projects/#python-virtual-environments.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from server.environment import requirements_file, yaml_file
from server.environment.requirements import Requirement, Requirements

# What installs packages: uv does that here, and a served model does not.
_INSTALLERS = {"pip", "wheel"}


@dataclass(frozen=True)
class PythonEnv:
    """What a python_env.yaml lists, ``build`` being the build dependencies that a served model can need."""

    python: str | None
    build: list[Requirement]
    requirements: Requirements


def read(path: Path, folder: Path, *, listed: bool) -> PythonEnv:
    """Return what the python_env.yaml ``path`` in the model folder ``folder`` lists.

    MLflow writes pip, setuptools and wheel as build dependencies, without a version where there was none when
    the model was logged: setuptools then is not needed. Its requirements are read only if ``listed`` is true;
    they mostly are a reference to requirements.txt.

    Raises:
        BadRequirements: it is not YAML, or a list or a requirement in it cannot be read.
    """
    found = yaml_file.fields(path)
    python = found.get("python")
    build = requirements_file.parse(yaml_file.lines(path, found.get("build_dependencies")), path, folder)
    dependencies = yaml_file.lines(path, found.get("dependencies")) if listed else []
    return PythonEnv(
        python=str(python.value) if isinstance(python, yaml.ScalarNode) and python.value else None,
        build=[
            entry
            for entry in build.entries
            if entry.name not in _INSTALLERS and entry.text.lower() != "setuptools"
        ],
        requirements=requirements_file.parse(dependencies, path, folder),
    )
