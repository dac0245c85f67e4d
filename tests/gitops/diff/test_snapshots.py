"""The comment of eleven changes as people make them, each in a file that a person can read.

After a change that is meant: ``UPDATE_SNAPSHOTS=1 pytest tests/gitops/diff/test_snapshots.py``, and review the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.gitops.diff.examples import EXAMPLES, changed, repository
from tests.gitops.diff.repository import Repository

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return repository(tmp_path_factory.mktemp("examples") / "repository")


# Last the one that changes the base for its own ends.
@pytest.mark.parametrize("name", sorted(EXAMPLES, key=lambda name: name == "network"))
def test_the_comment_of_a_typical_change(made: Repository, name: str) -> None:
    file = SNAPSHOTS / f"{name}.md"
    with changed(made, name) as text:
        if os.environ.get("UPDATE_SNAPSHOTS"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        assert text == file.read_text()
    assert "hunter2" not in text
    assert "AgT" not in text


def test_every_snapshot_has_a_change() -> None:
    assert {file.stem for file in SNAPSHOTS.iterdir()} == set(EXAMPLES)
