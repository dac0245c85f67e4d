from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from server.environment import interpreters
from server.environment.interpreters import (
    Interpreter,
    ordered,
    requested_range,
    requested_version,
    search_path,
)
from server.errors import BadRequirements, NoInterpreter


def python(minor: int) -> Interpreter:
    return Interpreter((3, minor, 1), Path(f"/bin/python3.{minor}"), "linux-x86_64-gnu")


@pytest.mark.parametrize(
    ("wanted", "among", "order"),
    [
        ("3.11.9", [10, 11, 12], [11]),
        ("3.1", [8, 11, 13], [8, 11, 13]),
        ("3.11", [10, 12, 13], [10, 12, 13]),
        ("3.14.0", [8, 12, 13], [13, 12, 8]),
        ("4.0", [12, 13], [12, 13]),
    ],
)
def test_order(wanted: str, among: list[int], order: list[int]) -> None:
    chosen = ordered(requested_version(wanted), [python(minor) for minor in among], strict=False)
    assert [one.version[1] for one in chosen] == order


@pytest.mark.parametrize(
    ("specifier", "among", "order"),
    [
        # Of those that it admits the nearest to the server's own, 3.11 or newer, counts first.
        (">=3.8,<3.11", [7, 8, 9, 10], [10, 9, 8]),
        (">=3.8,<3.10", [8, 9, 10, 11], [9, 8]),
        ("~=3.9.5", [8, 9, 10], [9]),
        # None is here: the nearest to a bound.
        (">=3.9,<3.11", [8, 12, 13], [8, 12, 13]),
        (">=3.90", [8, 13], [13, 8]),
    ],
)
def test_order_of_a_range(specifier: str, among: list[int], order: list[int]) -> None:
    chosen = ordered(
        requested_range(specifier, (specifier,)), [python(minor) for minor in among], strict=False
    )
    assert [one.version[1] for one in chosen] == order


def test_range_of_which_none_is_here() -> None:
    with pytest.raises(NoInterpreter) as raised:
        ordered(requested_range("3.8|3.9", ("==3.8.*", "==3.9.*")), [python(12), python(13)], strict=True)
    assert str(raised.value) == (
        "the model asks for Python 3.8|3.9, and the interpreters here are 3.12.1, 3.13.1; use an image that has such a "
        "Python, or let the nearest one be used with ENVIRONMENT_STRICT_PYTHON=false"
    )


def test_model_that_names_no_python_gets_the_servers() -> None:
    own = sys.version_info[1]
    among = [python(own - 1), python(own), python(own + 1)]
    assert ordered(None, among, strict=True) == [python(own)]
    assert ordered(None, [among[0], among[2]], strict=True)[0] == among[0]


def test_what_is_no_version() -> None:
    with pytest.raises(BadRequirements) as raised:
        requested_version("latest")
    assert str(raised.value) == (
        "the model asks for Python 'latest': must be a version such as 3.13 or 3.13.0; log the model again"
    )


def test_none_is_here() -> None:
    with pytest.raises(NoInterpreter) as raised:
        ordered(None, [], strict=False)
    assert str(raised.value) == (
        "there is no Python interpreter of 3.8 or newer here, and the model names no Python; use an image that has one"
    )


def test_present(pythons: list[Interpreter]) -> None:
    assert sys.version_info[:2] in [one.version[:2] for one in pythons]
    assert len({one.version[:2] for one in pythons}) == len(pythons)
    assert all(one.version >= (3, 8) and one.platform.startswith("linux-") for one in pythons)
    assert pythons == sorted(pythons, key=lambda one: one.version)
    assert {one.system for one in pythons} <= {"linux-x86_64", "linux-aarch64"}


def test_version_managers_interpreters_are_found_behind_shims_that_run_none_of_them(tmp_path: Path) -> None:
    own = Path(sys.base_exec_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    managers = {
        "PYENV_ROOT": "versions",
        "ASDF_DATA_DIR": "installs/python",
        "MISE_DATA_DIR": "installs/python",
    }
    found = {}
    for variable, versions in managers.items():
        shims, installed = tmp_path / variable / "shims", tmp_path / variable / versions / "3.1" / "bin"
        shims.mkdir(parents=True)
        installed.mkdir(parents=True)
        (shims / own.name).write_text("#!/bin/sh\nexit 127\n")
        (shims / own.name).chmod(0o755)
        (installed / own.name).symlink_to(own)
        found[variable] = installed
    environ = {variable: str(tmp_path / variable) for variable in managers}
    path = os.pathsep.join([*(str(tmp_path / variable / "shims") for variable in managers), "/nowhere"])
    asked = search_path({**environ, "HOME": str(tmp_path), "PATH": path})
    assert asked.split(os.pathsep) == ["/nowhere", *map(str, found.values()), str(own.parent)]
    uv = interpreters.Uv(tmp_path, tmp_path, environ={**environ, "HOME": str(tmp_path), "PATH": path})
    assert {one.path for one in interpreters.present(uv)} <= {
        folder / own.name for folder in found.values()
    } | {own}


def test_interpreters_of_installers_and_of_conda_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(sys.base_exec_prefix) / "bin"
    folders = [
        tmp_path / "opt/homebrew/opt/python@3.12/bin",
        tmp_path / "Library/Frameworks/Python.framework/Versions/3.13/bin",
        tmp_path / "mini conda/bin",
        tmp_path / "mini conda/envs/models/bin",
    ]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "python3").symlink_to(own / "python3")
    (tmp_path / "opt/homebrew/opt/openssl@3/bin").mkdir(parents=True)
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/environments.txt").write_text(
        f"{tmp_path}/mini conda\n{tmp_path}/gone\n\n{tmp_path}/mini conda/envs/models\n"
    )
    monkeypatch.setattr(interpreters, "ROOT", tmp_path)
    environ = {"HOME": str(tmp_path), "PATH": "/nowhere"}
    assert search_path(environ).split(os.pathsep) == ["/nowhere", *map(str, folders), str(own)]
    (found,) = interpreters.present(interpreters.Uv(tmp_path, tmp_path, environ=environ))
    assert found.path.resolve() == (own / "python3").resolve()


def test_a_folder_that_may_not_be_read_hides_no_other(tmp_path: Path) -> None:
    locked, unreadable = (
        tmp_path / "locked",
        tmp_path / ("x" * 300),
    )  # The second for root, who may read the first.
    locked.mkdir(mode=0)
    (tmp_path / "envs/models/bin").mkdir(parents=True)
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/environments.txt").write_text(f"{locked}\n{unreadable}\n{tmp_path}/envs/models\n")
    environ = {
        "HOME": str(tmp_path),
        "PATH": "/nowhere",
        "PYENV_ROOT": str(locked),
        "ASDF_DATA_DIR": str(unreadable),
    }
    assert f"{tmp_path}/envs/models/bin" in search_path(environ).split(os.pathsep)


def test_uv_with_a_setting_that_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text("this is no setting\n")
    uv = interpreters.Uv(tmp_path, tmp_path, environ={"UV_CONFIG_FILE": str(tmp_path / "uv.toml")})
    with pytest.raises(
        NoInterpreter, match=r"(?s)^uv cannot list the Python interpreters: .*correct its settings"
    ):
        interpreters.present(uv)
