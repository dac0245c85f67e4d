from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.environment import environment_files
from server.environment.conda_packages import Kind
from server.errors import BadRequirements


def read_env(folder: Path, text: str, *, listed: bool = True) -> environment_files.PythonEnv:
    path = folder / "python_env.yaml"
    path.write_text(text)
    return environment_files.read_python_env(path, folder, listed=listed)


def test_a_python_env_as_mlflow_writes_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==1.26.4\n")
    env = read_env(
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
    assert read_env(tmp_path, "build_dependencies: [pip, setuptools, wheel]\n").build == []


def test_reference_to_a_list_that_is_not_wanted(tmp_path: Path) -> None:
    assert (
        read_env(tmp_path, "dependencies: [-r requirements.txt]\n", listed=False).requirements.entries == []
    )


def test_reference_to_a_list_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadRequirements) as raised:
        read_env(tmp_path, "dependencies: [-r requirements.txt]\n")
    assert (
        str(raised.value)
        == "requirements.txt: cannot be read (No such file or directory); log the model again"
    )


def test_dependencies_that_are_no_list(tmp_path: Path) -> None:
    with pytest.raises(BadRequirements) as raised:
        read_env(tmp_path, "python: 3.10\ndependencies: six\n")
    assert str(raised.value) == "python_env.yaml, line 2: must be a list; log the model again"


def read_conda(folder: Path, text: str) -> environment_files.Conda:
    path = folder / "conda.yaml"
    path.write_text(text)
    return environment_files.read_conda(path, folder)


def test_a_conda_yaml_as_mlflow_writes_it(tmp_path: Path) -> None:
    listed = read_conda(
        tmp_path,
        "channels: [conda-forge]\ndependencies:\n- python=3.10\n- pip<=23.1\n- pip:\n  - mlflow==2.9.2\n"
        "  - numpy==1.26.4\nname: mlflow-env\n",
    )
    assert str(listed.python) == "3.10"
    assert [str(entry) for entry in listed.requirements.entries] == [
        "conda.yaml, line 6: mlflow==2.9.2",
        "conda.yaml, line 7: numpy==1.26.4",
    ]
    assert [package.text for package in listed.packages] == ["pip<=23.1"]


def test_pip_list_that_does_not_stand_last(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("pandas\n")
    listed = read_conda(
        tmp_path,
        "dependencies:\n- pip:\n  - six\n- conda-forge::libgomp >=12\n- pip: [-r more.txt, --pre]\n- python\n- scipy=1.11\n",
    )
    assert [entry.name for entry in listed.requirements.entries] == ["six", "pandas"]
    assert listed.requirements.flags == ["--prerelease", "allow"]
    assert [(package.origin, package.text) for package in listed.packages] == [
        ("conda.yaml, line 4", "conda-forge::libgomp >=12"),
        ("conda.yaml, line 7", "scipy=1.11"),
    ]
    assert listed.python is None


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("python=3.9.18", "3.9.18"),
        ("python==3.9.18", "3.9.18"),
        ("python 3.9.18", "3.9.18"),
        ("python=3.9.18=h955ad1f_0", "3.9.18"),
        ("python 3.9.18 h955ad1f_0", "3.9.18"),
        ("conda-forge::python 3.12.*", "3.12.*"),
        ("python[version='>=3.9,<3.10']", ">=3.9,<3.10"),
    ],
)
def test_python(tmp_path: Path, written: str, python: str) -> None:
    request = read_conda(tmp_path, f"dependencies:\n- {written}\n").python
    assert request is not None
    assert (str(request), request.exact) == (python, True)


@pytest.mark.parametrize(
    ("written", "admitted", "others"),
    [
        ("python=3", [(3, 0), (3, 14)], [(2, 7)]),
        ("python<3.12", [(3, 8), (3, 11)], [(3, 12)]),
        ("python <=3.12", [(3, 8), (3, 12)], [(3, 13)]),
        ("python>3.8.5", [(3, 8), (3, 14)], [(3, 7)]),
        ("python>=3.9,<3.11", [(3, 9), (3, 10)], [(3, 8), (3, 11)]),
        ("python!=3.9.*", [(3, 8), (3, 10)], [(3, 9)]),
        ("python~=3.10", [(3, 10), (3, 11)], [(3, 9)]),
        ("python 3.10|3.12.*", [(3, 10), (3, 12)], [(3, 11)]),
    ],
)
def test_range_of_pythons(
    tmp_path: Path, written: str, admitted: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    request = read_conda(tmp_path, f"dependencies:\n- {written}\n").python
    assert request is not None
    assert not request.exact
    assert all(map(request.admits, admitted))
    assert not any(map(request.admits, others))


@pytest.mark.parametrize("written", ["python", "python *", "python!=3.9.1"])
def test_any_python(tmp_path: Path, written: str) -> None:
    assert read_conda(tmp_path, f"dependencies:\n- {written}\n").python is None


@pytest.mark.parametrize(
    ("written", "requirement"),
    [
        ("scikit-learn=0.23.2", "scikit-learn==0.23.2.*"),
        ("scikit-learn=0.23", "scikit-learn==0.23.*"),
        ("scikit-learn==0.23.2", "scikit-learn==0.23.2"),
        ("scikit-learn 0.23.2", "scikit-learn==0.23.2"),
        ("scikit-learn 0.23*", "scikit-learn==0.23.*"),
        ("scikit-learn=0.23.*", "scikit-learn==0.23.*"),
        ("numpy=1.19.2=py38h54aff64_0", "numpy==1.19.2"),
        ("numpy 1.19.2 py38h54aff64_0", "numpy==1.19.2"),
        ("numpy=1.19.*=py38*", "numpy==1.19.*"),
        ("numpy >=1.19,<2", "numpy>=1.19,<2"),
        ("numpy>=1.19.*,!=1.20.1", "numpy>=1.19,!=1.20.1"),
        ("numpy~=1.19.2", "numpy~=1.19.2"),
        ("numpy[version='>=1.19,<2', build=py38*]", "numpy>=1.19,<2"),
        ("numpy", "numpy"),
        ("numpy *", "numpy"),
        ("conda-forge::PyYAML=5.4", "pyyaml==5.4.*"),
        ("conda-forge/linux-64::pytorch=1.8.0=py3.8_cuda11.1_cudnn8.0.5_0", "torch==1.8.0"),
        ("py-xgboost=1.3", "xgboost==1.3.*"),
        ("ruamel_yaml=0.17", "ruamel.yaml==0.17.*"),
    ],
)
def test_package_of_conda_as_pip_asks_for_it(tmp_path: Path, written: str, requirement: str) -> None:
    (package,) = read_conda(tmp_path, f"dependencies:\n- {json.dumps(written)}\n").packages
    assert package.known[0] is Kind.PYTHON
    assert str(package.requirement()) == f"conda.yaml, line 2: {requirement}"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("numpy=1.1.1k=0", "'==1.1.1k' is no version that pip knows"),
        ("numpy 1.19|1.20", "pip has no alternatives of versions"),
        ("numpy >=<1", "'>=<1' is no version that pip knows"),
    ],
)
def test_version_that_pip_has_not(tmp_path: Path, written: str, why: str) -> None:
    (package,) = read_conda(tmp_path, f"dependencies:\n- {json.dumps(written)}\n").packages
    with pytest.raises(BadRequirements) as raised:
        package.requirement()
    assert str(raised.value) == (
        f"conda.yaml, line 2: {written!r} of conda cannot be asked of pip: {why}; list it under pip as name==version and "
        "log the model again"
    )


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        *(
            (name, Kind.FOREIGN)
            for name in ("cudatoolkit=11.1", "openjdk", "r-base", "libgomp", "_py-xgboost-mutex")
        ),
        *((name, Kind.FOREIGN) for name in ("graphviz", "https://host/linux-64/numpy-1.19.2-py38_0.tar.bz2")),
        *(
            (name, Kind.INCLUDED)
            for name in ("_libgcc_mutex=0.1=main", "blas=*=openblas", "libstdcxx-ng", "pip<=23.1")
        ),
        *((name, Kind.UNKNOWN) for name in ("my-own=1", "fbprophet", "retrying")),
        *((name, Kind.PYTHON) for name in ("python-graphviz", "typing_extensions")),
    ],
)
def test_what_a_package_of_conda_is_to_pip(tmp_path: Path, written: str, kind: Kind) -> None:
    (package,) = read_conda(tmp_path, f"dependencies:\n- {json.dumps(written)}\n").packages
    assert package.known[0] is kind


def test_nothing_listed(tmp_path: Path) -> None:
    assert read_conda(tmp_path, "name: mlflow-env\ndependencies:\n").requirements.entries == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "dependencies:\n- pip:\n  - six\n  - numpy=1\n",
            "conda.yaml, line 4: 'numpy=1' is not a requirement (",
        ),
        ("dependencies:\n  python: 3.9\n", "conda.yaml, line 2: must be a list; log the model again"),
        (
            "dependencies:\n- npm:\n  - left\n",
            "conda.yaml, line 2: must be pip with a list of requirements; log the model again",
        ),
        (
            "dependencies:\n- [six]\n",
            "conda.yaml, line 2: must be a package or pip with a list of requirements; log the model again",
        ),
        ("dependencies:\n- pip:\n  - {six: 1}\n", "conda.yaml, line 3: must be a text; log the model again"),
        ("- six\n", "conda.yaml: must be a mapping; log the model again"),
        ("dependencies: [", "conda.yaml: cannot be read as YAML (while parsing a flow node"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadRequirements) as raised:
        read_conda(tmp_path, text)
    assert str(raised.value).startswith(message)
