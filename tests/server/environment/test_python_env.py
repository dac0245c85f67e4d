from __future__ import annotations

from pathlib import Path

import pytest

from server.environment import environment_files
from server.errors import BadRequirements


def read(folder: Path, text: str, *, listed: bool = True) -> environment_files.PythonEnv:
    path = folder / "python_env.yaml"
    path.write_text(text)
    return environment_files.read_python_env(path, folder, listed=listed)


def test_what_mlflow_writes(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==1.26.4\n")
    env = read(
        tmp_path,
        "python: 3.10\nbuild_dependencies:\n- pip==23.1\n- setuptools==65.5.0\n- wheel==0.40\n- cython==3.0\n"
        "dependencies:\n- -r requirements.txt\n",
    )
    assert env.python == "3.10"
    # pip and wheel install packages, which uv does.
    assert [str(entry) for entry in env.build] == [
        "python_env.yaml, line 4: setuptools==65.5.0",
        "python_env.yaml, line 6: cython==3.0",
    ]
    assert [str(entry) for entry in env.requirements.entries] == ["requirements.txt, line 1: numpy==1.26.4"]


def test_setuptools_that_was_not_there_is_not_needed(tmp_path: Path) -> None:
    assert read(tmp_path, "build_dependencies: [pip, setuptools, wheel]\n").build == []


def test_reference_to_a_list_that_is_not_wanted(tmp_path: Path) -> None:
    assert read(tmp_path, "dependencies: [-r requirements.txt]\n", listed=False).requirements.entries == []


def test_reference_to_a_list_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadRequirements) as raised:
        read(tmp_path, "dependencies: [-r requirements.txt]\n")
    assert (
        str(raised.value)
        == "requirements.txt: cannot be read (No such file or directory); log the model again"
    )


def test_dependencies_that_are_no_list(tmp_path: Path) -> None:
    with pytest.raises(BadRequirements) as raised:
        read(tmp_path, "python: 3.10\ndependencies: six\n")
    assert str(raised.value) == "python_env.yaml, line 2: must be a list; log the model again"
