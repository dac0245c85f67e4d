"""What loading a model through MLflow needs, and its requirements may not say.

Source: the metadata of MLflow's packages. mlflow-skinny leaves out numpy and pandas, which mlflow.pyfunc imports.
"""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from server.environment.requirements import Requirements
from server.mlmodel import Model
from server.mlmodel.load_plan import PYFUNC

_PACKAGES = {"mlflow", "mlflow-skinny"}
# The first versions that work without pkg_resources, with numpy 2 and with pandas 3.
_WITHOUT_PKG_RESOURCES = Version("3")
_NUMPY_2 = Version("2.16")
_PANDAS_3 = Version("3.16")


def complete(model: Model, listed: Requirements) -> None:
    """Add to ``listed`` what it lacks for ``model`` to be loaded with MLflow, if it is.

    What it lists without saying how new it may be is limited to what MLflow's version works with.
    """
    pyfunc = PYFUNC in model.flavors and not model.native
    if pyfunc and not listed.names & _PACKAGES:
        recorded = (model.mlflow_version or "").partition("+")[0]
        listed.add(
            f"mlflow-skinny=={recorded}" if recorded else "mlflow-skinny",
            "mlflow.pyfunc loads the model and its requirements have no mlflow",
        )
    present = listed.names & _PACKAGES
    if not present:
        return
    _together(listed)
    version = _version(model, listed)
    if version < _WITHOUT_PKG_RESOURCES:
        missing = f"MLflow {version} imports pkg_resources, which newer ones do not have"
        _ensure(listed, "setuptools", "81", missing, missing)
    if not pyfunc or "mlflow" in present:
        return
    imported = f"mlflow.pyfunc of MLflow {version} imports it"
    older = f"MLflow {version} does not work with newer ones"
    _ensure(listed, "numpy", "2" if version < _NUMPY_2 else None, imported, older)
    _ensure(listed, "pandas", _pandas_limit(version), imported, older)


def _together(listed: Requirements) -> None:
    """Keep mlflow and mlflow-skinny at one version where only one of them is pinned.

    MLflow adds a bare ``mlflow`` to the packages of a model that was logged with mlflow-skinny. Both install the same files, so
    that of two versions some of each would be left.
    """
    for pinned in listed.entries:
        if pinned.name not in _PACKAGES or pinned.version is None:
            continue
        (other,) = _PACKAGES - {pinned.name}
        if any(entry.name == other and entry.open_at(pinned.version) for entry in listed.entries):
            listed.pin(other, pinned.version, f"{pinned.shown} has the same files")


def pandas(model: Model) -> str:
    """Return the requirement of pandas for ``model``, which lists none: one of the time when it was logged."""
    limit = _pandas_limit(_version(model, Requirements()))
    return f"pandas<{limit}" if limit else "pandas"


def _pandas_limit(version: Version) -> str | None:
    return "3" if version < _PANDAS_3 else None


def _ensure(listed: Requirements, name: str, limit: str | None, added: str, limited: str) -> None:
    """Add the package ``name`` below the version ``limit``, or limit what is listed; with the reason for each."""
    if name not in listed.names:
        listed.add(f"{name}<{limit}" if limit else name, added)
    elif limit:
        listed.limit(name, limit, limited)


def _version(model: Model, listed: Requirements) -> Version:
    """Return MLflow's version: the one that is listed, else the recorded one, else one as old as can be."""
    pinned = next(
        (entry.version for entry in listed.entries if entry.name in _PACKAGES and entry.version), None
    )
    try:
        return Version(pinned or model.mlflow_version or "1")
    except InvalidVersion:
        return Version("1")
