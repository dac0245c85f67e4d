"""What a model asks of its environment: a Python and requirements.

Source: https://mlflow.org/docs/latest/ml/model/dependencies/.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from server.environment import conda, flavors, mlflow, python_env, requirements_file
from server.environment.requirements import Requirements
from server.errors import BadRequirements
from server.mlmodel import Model
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Specification:
    """What is to be installed, for which Python, and what cannot be: conda's packages.

    ``python`` is the version that the model names, as in ``3.13.0``, or None.
    """

    python: str | None
    requirements: Requirements
    conda_packages: list[str]

    def check(self, settings: EnvironmentSettings) -> None:
        """Log what is added to the model's list, and refuse packages of conda, or leave them out if allowed.

        Raises:
            BadRequirements: conda.yaml lists packages of conda.
        """
        for entry in (*self.requirements.entries, *self.requirements.constraints):
            if entry.added:
                log.info("%s", entry)
        if not self.conda_packages:
            return
        packages = ", ".join(self.conda_packages)
        if not settings.ignore_conda_packages:
            raise BadRequirements(
                f"conda.yaml lists packages that only conda can install: {packages}; list what is on a pip index "
                "under pip and log the model again, or leave them out with ENVIRONMENT_IGNORE_CONDA_PACKAGES=true"
            )
        log.warning("left out, since only conda can install them: %s", packages)


def read(model: Model) -> Specification:
    """Return what ``model`` asks for, and what it needs without asking.

    The list is requirements.txt, else the pip list of conda.yaml, else that of python_env.yaml, else what the
    flavours need. One without requirements hands its options, constraints and flags on to the next.

    Raises:
        BadRequirements: a list cannot be read.
    """
    folder = model.folder
    conda_yaml, python_env_yaml = _files(model)
    asked = conda.read(conda_yaml, folder) if conda_yaml.is_file() else conda.Conda(None, Requirements(), [])
    listed = asked.requirements
    if (folder / "requirements.txt").is_file():
        listed = requirements_file.read(folder / "requirements.txt", folder).otherwise(listed)
    python = asked.python
    if python_env_yaml.is_file():
        env = python_env.read(python_env_yaml, folder, listed=not listed.entries)
        listed = listed.otherwise(env.requirements)
        python = env.python or python
        listed.entries += [entry for entry in env.build if listed.entries and entry.name not in listed.names]
    if not listed.entries:
        listed = listed.otherwise(flavors.needed(model))
    mlflow.complete(model, listed)
    return Specification(model.python_version or python, listed, asked.packages)


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
