from __future__ import annotations

from pathlib import Path

import pytest

from server.environment import conda
from server.errors import BadRequirements


def read(folder: Path, text: str) -> conda.Conda:
    path = folder / "conda.yaml"
    path.write_text(text)
    return conda.read(path, folder)


def test_what_mlflow_writes(tmp_path: Path) -> None:
    listed = read(
        tmp_path,
        "channels: [conda-forge]\ndependencies:\n- python=3.10\n- pip<=23.1\n- pip:\n  - mlflow==2.9.2\n"
        "  - numpy==1.26.4\nname: mlflow-env\n",
    )
    assert listed.python == "3.10"
    assert [str(entry) for entry in listed.requirements.entries] == [
        "conda.yaml, line 6: mlflow==2.9.2",
        "conda.yaml, line 7: numpy==1.26.4",
    ]
    assert listed.packages == []


def test_pip_list_that_does_not_stand_last(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("pandas\n")
    listed = read(
        tmp_path,
        "dependencies:\n- pip:\n  - six\n- conda-forge::libgomp >=12\n- pip: [-r more.txt, --pre]\n- python\n- scipy=1.11\n",
    )
    assert [entry.name for entry in listed.requirements.entries] == ["six", "pandas"]
    assert listed.requirements.flags == ["--prerelease", "allow"]
    assert listed.packages == ["conda-forge::libgomp >=12", "scipy=1.11"]
    assert listed.python is None


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("python=3.9.18", "3.9.18"),
        ("python==3.9.18", "3.9.18"),
        ("python 3.9.18", "3.9.18"),
        ("python=3.9.18=h955ad1f_0", "3.9.18"),
        ("conda-forge::python 3.12.*", "3.12.*"),
        ("python=3", None),
        # Ranges: none of these versions is the one to take.
        ("python<3.12", None),
        ("python <=3.12", None),
        ("python>3.8", None),
        ("python>=3.8,<3.11", None),
        ("python!=3.9.1", None),
        ("python~=3.10", None),
        ("python=3.1*", None),
        ("python 3.10|3.11", None),
    ],
)
def test_python(tmp_path: Path, written: str, python: str | None) -> None:
    assert read(tmp_path, f"dependencies:\n- {written}\n").python == python


def test_nothing_listed(tmp_path: Path) -> None:
    assert read(tmp_path, "name: mlflow-env\ndependencies:\n").requirements.entries == []


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
        read(tmp_path, text)
    assert str(raised.value).startswith(message)
