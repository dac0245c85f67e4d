"""The modules that were logged with a model (code_paths), as entries of the worker's sys.path.

Source: ``mlflow.pyfunc.load_model`` of the releases 1.12 to 3.17. Up to 2.0 it puts the folder of the code on the path, and each
folder in it, as what ``code_paths=["src"]`` copies to code/src was imported when the model was logged; from 2.1 on
only the folder of the code. Up to 1.25 it asks by mistake whether the current directory has a folder of that name, and
so finds them only where the model was logged.
"""

from __future__ import annotations

from typing import Any

from packaging.version import InvalidVersion, Version

from server.mlmodel import Model

# The first MLflow that finds the folders wherever it is started, and the first that has none of them on the path.
_FOLDERS_FOUND = Version("1.26")
_FOLDERS_GONE = Version("2.1.dev0")


def code(model: Model) -> dict[str, list[str]] | None:
    """Return the folders that come before (``first``) and after (``last``) all others of the path, or None without code.

    They are relative to the model folder. The folders of an MLflow that may not find them come last, where their modules
    hide none that it would have taken instead.
    """
    stated = (
        flavor.get("code") for flavor in (model.flavors.get("python_function", {}), *model.flavors.values())
    )
    root = next((str(path) for path in stated if path), None)
    if root is None:
        return None
    version = _version(model.mlflow_version)
    folders = _folders(model, root) if version < _FOLDERS_GONE else []
    if version < _FOLDERS_FOUND:
        return {"first": [root], "last": folders}
    return {"first": [root, *folders], "last": []}


def _folders(model: Model, root: str) -> list[str]:
    path = model.folder / root
    found = sorted(path.iterdir()) if path.is_dir() else []
    return [f"{root}/{entry.name}" for entry in found if entry.is_dir() and entry.name != "__pycache__"]


def _version(recorded: Any) -> Version:
    """Return MLflow's version; before 1.25 it recorded none."""
    try:
        return Version(str(recorded or "1"))
    except InvalidVersion:
        return Version("1")
