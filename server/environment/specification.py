"""What a model asks of its environment: a Python and requirements.

Source: https://mlflow.org/docs/latest/ml/model/dependencies/.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from server.environment import conda, requirements
from server.mlmodel import Model


@dataclass(frozen=True)
class Specification:
    """The Python version that is asked for, as in ``3.13.0``, and what is to be installed for it."""

    python: str
    requirements: requirements.Requirements


def read(model: Model) -> Specification:
    """Return what ``model`` asks for: by requirements.txt, else by the pip list of conda.yaml.

    Raises:
        BadRequirements: a list cannot be read.
    """
    folder = model.folder
    asked = conda.read(folder / "conda.yaml", folder) if (folder / "conda.yaml").is_file() else None
    if (folder / "requirements.txt").is_file():
        listed = requirements.read(folder / "requirements.txt", folder)
    else:
        listed = asked.requirements if asked else requirements.Requirements()
    python = model.python_version or (asked.python if asked else None)
    # A model that names no Python gets the server's own, which is always there.
    return Specification(python or f"{sys.version_info.major}.{sys.version_info.minor}", listed)
