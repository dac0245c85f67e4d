"""Several files are written, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import NotWritten
from gitops.files import write_all


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("same")
    (tmp_path / "other").write_text("old")
    texts = {tmp_path / "same": "same", tmp_path / "other": "new", tmp_path / "deep/er/new": "made"}
    assert write_all(texts) == [tmp_path / "other", tmp_path / "deep/er/new"]
    assert {file: file.read_text() for file in texts} == texts
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["new", "other", "same"]


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.write_text("old")
    file.chmod(0o755)
    write_all({file: "new"})
    assert file.stat().st_mode & 0o777 == 0o755


def test_all_are_as_they_were_when_one_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWritten) as refused:
        write_all(
            {
                tmp_path / "first": "new",
                tmp_path / "new/second": "new",
                tmp_path / "folder": "no file",
            }
        )
    assert str(refused.value) == f"{tmp_path}/folder: cannot be written (Is a directory); nothing is changed"
    assert (tmp_path / "first").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "folder"]
