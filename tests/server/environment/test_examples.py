"""The example models' requirements, from the package index that this machine uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import mlmodel
from server.environment import specification
from server.environment.build import build
from server.environment.interpreters import Interpreter
from server.environment.resolver import Resolver
from server.environment.uv import Uv, project
from server.pins import locking
from server.settings import EnvironmentSettings
from tests.project import MANIFESTS, MODELS
from tests.pythons import missing
from tests.server.environment import making

NAMES = ["iris_svm_model", "iris_preprocessor_model", "iris_postprocessor_model"]
SETTINGS = EnvironmentSettings()


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_requirements_resolve(tmp_path: Path, name: str) -> None:
    model = MODELS / name
    listed = specification.read(mlmodel.read(model)).requirements
    resolver = Resolver(Uv(model, project(tmp_path, [])), listed, tmp_path, SETTINGS)
    # numpy and others have no wheels for 3.15 yet.
    pythons = [python for python in locking.PYTHONS if python != "3.15"]
    assert resolver.failures(listed.text, pythons, locking.PLATFORMS) == {}


@pytest.mark.long
@pytest.mark.parametrize("overlay", ["model", "preprocessor", "postprocessor"])
@pytest.mark.parametrize(
    "triple", ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"]
)
def test_lock_holds_all_that_is_installed(tmp_path: Path, overlay: str, triple: str) -> None:
    lock = MANIFESTS / "overlays" / overlay / "requirements.lock"
    for python in ("3.11", "3.14"):
        Uv(tmp_path, project(tmp_path, [])).run(
            *("pip", "install", "--dry-run", "--no-build", "--require-hashes", "--target", "none"),
            *("--python-platform", triple, "--python-version", python, "--requirement", str(lock)),
        )


@pytest.mark.long
def test_environment_loads_the_model(tmp_path: Path) -> None:
    model = MODELS / "iris_svm_model"
    build(model, tmp_path / "env", SETTINGS)
    code = f"import skops.io; print(skops.io.load({str(model / 'model.skops')!r}).n_features_in_)"
    assert making.run(tmp_path / "env" / "current" / "bin" / "python", code) == "4"


@pytest.mark.long
@pytest.mark.parametrize("mlflow", ["1.30.1", "2.9.2", "2.22.1", "3.5.1"])
def test_what_is_added_suffices_for_pyfunc(
    tmp_path: Path, pythons: list[Interpreter], path: str, monkeypatch: pytest.MonkeyPatch, mlflow: str
) -> None:
    monkeypatch.setenv("PATH", path)
    # numpy 1 has no wheels for Python 3.13.
    usable = [python for python in pythons if (3, 10) <= python.version < (3, 13)]
    if not usable:
        missing("Python 3.10 to 3.12")
    model = making.model(tmp_path, "six\n", text=making.PYFUNC, python=str(usable[0]), mlflow=mlflow)
    build(model, tmp_path / "env", SETTINGS)
    python = tmp_path / "env" / "current" / "bin" / "python"
    assert making.run(python, "import mlflow.pyfunc; print(mlflow.__version__)") == mlflow
