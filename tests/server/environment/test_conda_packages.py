"""Models whose conda.yaml lists packages of conda: what is installed of them, and what the log says."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from server.environment.build import build
from server.environment.interpreters import Interpreter
from server.errors import BadRequirements
from server.pins import locking
from server.settings import EnvironmentSettings
from tests.pythons import needs
from tests.server.environment import making

SETTINGS = EnvironmentSettings()
IGNORING = EnvironmentSettings(ignore_conda_packages=True)


def model(folder: Path, *dependencies: str, pip: str = "", requirements: str | None = None) -> Path:
    """Make a model whose conda.yaml lists ``dependencies``, and ``pip`` for pip."""
    made = making.model(folder, requirements)
    lines = [*(f"- {one}" for one in dependencies), *([f"- pip: [{pip}]"] if pip else [])]
    (made / "conda.yaml").write_text("dependencies:\n" + "".join(f"{line}\n" for line in lines))
    return made


def packages(environment: Path) -> dict[str, str]:
    """Return what is installed."""
    installed: dict[str, str] = json.loads((environment / "environment.json").read_text())["packages"]
    return installed


def test_a_package_that_the_index_has_is_installed_at_its_version(
    tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = model(tmp_path / "model", "conda-forge::alpha=1.0=py38_0", "openssl=1.1.1k", pip="beta")
    assert packages(build(made, tmp_path / "env", SETTINGS)) == {"alpha": "1.0", "beta": "1.0"}
    assert caplog.messages[:2] == [
        "conda.yaml, line 3: openssl=1.1.1k of conda is left out: Python or the wheels bring it",
        "conda.yaml, line 2: conda-forge::alpha=1.0=py38_0 of conda is installed from the package index as alpha==1.0",
    ]


def test_a_package_that_pip_is_asked_for_too(
    tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made = model(tmp_path / "model", "alpha=1.0", requirements="alpha==2.0\n")
    assert packages(build(made, tmp_path / "env", SETTINGS)) == {"alpha": "2.0"}
    assert caplog.messages[0] == (
        "conda.yaml, line 2: alpha is listed for pip too, which counts; conda's alpha=1.0 does not"
    )


def test_packages_that_are_on_no_index(tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture) -> None:
    foreign = "conda.yaml lists packages that only conda can install: {}; list what is on a pip index under pip and log"
    made = model(tmp_path / "model", "cudatoolkit=11.1", "alpha=1.0", "openjdk", pip="beta")
    with pytest.raises(BadRequirements) as raised:
        build(made, tmp_path / "env", SETTINGS)
    assert str(raised.value).startswith(foreign.format("cudatoolkit=11.1, openjdk"))
    assert packages(build(made, tmp_path / "env", IGNORING)) == {"alpha": "1.0", "beta": "1.0"}
    asked = model(tmp_path / "asked", "nowhere=1", "alpha=1.0")
    with pytest.raises(BadRequirements) as raised:
        locking.make(asked, SETTINGS)
    assert str(raised.value).startswith(foreign.format("nowhere=1"))
    assert "left out, since only conda can install them: cudatoolkit=11.1, openjdk" in caplog.messages


def test_a_lock_holds_what_the_index_has(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = model(tmp_path / "model", "nowhere=1", "alpha=1.0", pip="beta")
    lock = tmp_path / "lock"
    lock.write_text(locking.make(made, IGNORING, [making.this_python().rpartition(".")[0]]))
    assert "\nalpha==1.0 \\\n" in lock.read_text()
    ignoring = EnvironmentSettings(lock=str(lock), ignore_conda_packages=True)
    assert packages(build(made, tmp_path / "env", ignoring)) == {"alpha": "1.0", "beta": "1.0"}
    with pytest.raises(BadRequirements, match="only conda can install: nowhere=1;"):
        build(made, tmp_path / "other", EnvironmentSettings(lock=str(lock)))


def test_an_index_that_cannot_be_asked_makes_no_package_foreign(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = model(tmp_path / "model", "alpha=1.5", pip="beta")
    making.wheel(made / "wheels", "alpha", "1.5")
    making.wheel(made / "wheels", "beta", "1.0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    assert packages(build(made, tmp_path / "env", EnvironmentSettings(offline=True))) == {
        "alpha": "1.5",
        "beta": "1.0",
    }


@pytest.mark.long
def test_a_model_of_mlflow_1_whose_scikit_learn_is_condas(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("3.8")
    monkeypatch.setenv("PATH", path)
    made = model(
        tmp_path / "model",
        "python=3.8.2",
        "scikit-learn=0.23.2",
        "numpy>=1.19,<1.20",
        pip="cloudpickle==1.5.0",
    )
    text = (made / "MLmodel").read_text()
    (made / "MLmodel").write_text(text.replace(making.this_python(), "3.8.2"))
    found = packages(build(made, tmp_path / "env", SETTINGS))
    assert (found["scikit-learn"], found["numpy"], found["cloudpickle"]) == ("0.23.2", "1.19.5", "1.5.0")


@pytest.mark.long
def test_a_range_of_pythons(tmp_path: Path, index: str, two_pythons: list[Interpreter]) -> None:
    newest = two_pythons[-1]
    older = two_pythons[-2]
    made = model(tmp_path / "model", f"'python>={older.minor},<{newest.minor}'", pip="alpha")
    text = (made / "MLmodel").read_text()
    (made / "MLmodel").write_text(text.replace(f", python_version: {making.this_python()}", ""))
    environment = build(made, tmp_path / "env", SETTINGS)
    assert json.loads((environment / "environment.json").read_text())["python"] == str(older)
