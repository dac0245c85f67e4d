"""The Pythons of this machine, and which models each can serve."""

from __future__ import annotations

import tempfile
from itertools import groupby
from pathlib import Path

from gitops.errors import DoctorFailed
from gitops.manifests import contract
from gitops.manifests.rendered import node_files
from server.environment import requirements_lock
from server.environment.interpreters import Interpreter, PythonRequest, present, requested_version
from server.environment.requirements_lock import Lock
from server.environment.uv import Uv
from server.errors import ServerError

# By overlay: the Python that its model asks for, and its lock.
_Models = dict[str, tuple[PythonRequest | None, Lock | None]]


def look(root: Path) -> str:
    """Return the Pythons that models can have here, and the overlays of ``root`` that each serves.

    Raises:
        DoctorFailed: a model asks for one that is not here, or nobody can say.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="doctor-") as scratch:
            here = present(Uv(Path(scratch), Path(scratch)))
        models = {file.parent.name: _model(file.parent) for file in node_files(root)}
    except ServerError as error:
        raise DoctorFailed(str(error)) from error
    listed = "; ".join(
        f"{', '.join(map(str, group))}: {serves}"
        for serves, group in groupby(here, key=lambda python: _serves(python, models))
    )
    asked = {name: wanted for name, (wanted, _) in models.items() if wanted is not None}
    absent = {
        name: wanted for name, wanted in asked.items() if not any(wanted.admits(one.version) for one in here)
    }
    if not absent:
        return listed
    asking = ", ".join(f"{name} asks for {wanted}" for name, wanted in absent.items())
    minors = sorted({minor for wanted in absent.values() for minor in wanted.minors})
    versions = " ".join(f"{major}.{minor}" for major, minor in minors)
    raise DoctorFailed(
        f"{asking}; here are {listed or 'none'}; `.venv/bin/uv python install {versions}` downloads what is missing"
    )


def _model(overlay: Path) -> tuple[PythonRequest | None, Lock | None]:
    found, lock = contract.read(overlay), overlay / requirements_lock.FILE
    return (
        requested_version(found.python) if found is not None and found.python else None,
        requirements_lock.read(lock) if lock.is_file() else None,
    )


def _serves(python: Interpreter, models: _Models) -> str:
    """Return the overlays whose models ask for a Python, and those whose locks hold all that they need on it."""
    asked = [name for name, (wanted, _) in models.items() if wanted and wanted.admits(python.version)]
    locked = [
        name
        for name, (_, lock) in models.items()
        if name not in asked and lock is not None and python.minor in lock.pythons
    ]
    served = [
        *([f"asked for by {', '.join(asked)}"] if asked else []),
        *([f"in the lock of {', '.join(locked)}"] if locked else []),
    ]
    return " and ".join(served) or "no overlay's"
