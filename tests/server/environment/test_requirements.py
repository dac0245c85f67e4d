from __future__ import annotations

import pytest

from server.environment.requirements import Requirements, requirement
from server.errors import BadRequirements


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Scikit_Learn==1.5", "scikit-learn"),
        ("zope.interface[test]>=5 ; python_version < '3.12'", "zope-interface"),
        ("six==1.17.0 --hash=sha256:ab --hash=sha256:cd", "six"),
        ("six @ https://host/six-1.17.0-py2.py3-none-any.whl", "six"),
        ("six@https://host/six-1.17.0-py2.py3-none-any.whl", "six"),
        ("https://host/six-1.17.0.tar.gz", None),
        ("git+ssh://git@host/six", None),
        ("wheels/six-1.17.0-py2.py3-none-any.whl", None),
        ("./six", None),
        ("six-1.17.0-py2.py3-none-any.whl ; python_version < '3.12'", None),
    ],
)
def test_name(text: str, name: str | None) -> None:
    assert requirement(text, "requirements.txt, line 1").name == name


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("mlflow==2.9.2", "2.9.2"),
        ("mlflow[extras] === 2.9.2 ; python_version < '3.12'", "2.9.2"),
        ("mlflow==2.9.2 --hash=sha256:ab", "2.9.2"),
        ("mlflow==2.*", None),
        ("mlflow>=2.9", None),
        ("mlflow ; python_version == '3.11'", None),
        ("mlflow", None),
    ],
)
def test_pinned_version(text: str, version: str | None) -> None:
    assert requirement(text, "requirements.txt, line 1").version == version


def test_path() -> None:
    assert requirement("wheels/six-1-py3-none-any.whl ; x == 'y' --hash=sha256:ab", "").path == (
        "wheels/six-1-py3-none-any.whl"
    )
    assert requirement("https://host/six-1-py3-none-any.whl", "").path is None


def test_shown_without_credentials_and_hashes() -> None:
    entry = requirement("six @ https://user:secret@host/six.whl --hash=sha256:ab", "requirements.txt, line 7")
    assert str(entry) == "requirements.txt, line 7: six @ https://***@host/six.whl"
    assert entry.hashed


def test_what_is_no_requirement() -> None:
    with pytest.raises(BadRequirements) as raised:
        requirement("numpy=1.26", "requirements.txt, line 3")
    assert str(raised.value).startswith("requirements.txt, line 3: 'numpy=1.26' is not a requirement (")
    assert str(raised.value).endswith("); write name==version, as pip reads it, and log the model again")


def test_added_requirement_says_why() -> None:
    listed = Requirements()
    listed.add("setuptools<81", "MLflow 2.9.2 imports pkg_resources")
    assert str(listed.entries[0]) == "added, since MLflow 2.9.2 imports pkg_resources: setuptools<81"
    assert listed.entries[0].added
