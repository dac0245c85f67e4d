from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from server.environment import package_index
from server.environment.build import build
from server.errors import BadRequirements, UnresolvableRequirements
from server.settings import EnvironmentSettings
from tests.server.environment import making

SAYS = "import alpha; print(alpha.SAYS)"


def says(env: Path) -> str:
    return making.run(env / "current" / "bin" / "python", SAYS)


def test_wheel_of_the_model_counts_before_the_index(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "a model", "beta\n")
    making.wheel(model / "wheels", "alpha", "1.5", says="the model's")
    # The index has 2.0, which is newer.
    build(model, tmp_path / "env", EnvironmentSettings())
    assert says(tmp_path / "env") == "the model's"


def test_package_of_the_model_is_taken_from_nowhere_else(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha==2.0\n")
    making.wheel(model / "wheels", "alpha", "1.5")
    with pytest.raises(
        UnresolvableRequirements, match=r"\nat fault: requirements\.txt, line 1: alpha==2\.0\n"
    ):
        build(model, tmp_path / "env", EnvironmentSettings())


def test_requirement_that_names_the_file(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "wheels/alpha-1.5-py3-none-any.whl\n")
    making.wheel(model / "wheels", "alpha", "1.5")
    build(model, tmp_path / "env", EnvironmentSettings())
    assert says(tmp_path / "env") == "1.5"


def test_other_content_is_another_environment(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "own/alpha-1.5-py3-none-any.whl\n")
    making.wheel(model / "own", "alpha", "1.5", says="first")
    first = build(model, tmp_path / "env", EnvironmentSettings())
    making.wheel(model / "own", "alpha", "1.5", says="second")
    assert build(model, tmp_path / "env", EnvironmentSettings()) != first
    assert says(tmp_path / "env") == "second"


def test_offline_with_the_wheels_alone(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://192.0.2.1/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    model = making.model(tmp_path / "model", "beta\n")
    making.wheel(model / "wheels", "beta", "1.0", ["alpha"])
    settings = EnvironmentSettings(offline=True)
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", settings)
    assert str(raised.value).splitlines()[-1] == (
        "put the missing wheels into the model's wheels/ folder, or turn ENVIRONMENT_OFFLINE off"
    )
    making.wheel(model / "wheels", "alpha", "1.5")
    build(model, tmp_path / "env", settings)
    assert says(tmp_path / "env") == "1.5"


def test_hashes(tmp_path: Path) -> None:
    path = making.wheel(tmp_path / "wheels", "alpha", "1.5")
    (tmp_path / "wheels" / "notes.txt").write_text("not a wheel")
    assert package_index.wheel_hashes(tmp_path) == {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    shutil.rmtree(tmp_path / "wheels")
    assert package_index.wheel_hashes(tmp_path) == {}
    assert package_index.wheel_index(tmp_path, {}, tmp_path / "index") == ""


def test_name_that_is_none_of_a_wheel(tmp_path: Path) -> None:
    with pytest.raises(BadRequirements) as raised:
        package_index.wheel_index(tmp_path, {"alpha.whl": "ab"}, tmp_path / "index")
    assert str(raised.value) == (
        "wheels/alpha.whl: is not the name of a wheel, name-version-python-abi-platform.whl; name the file as it was "
        "built and log the model again"
    )
