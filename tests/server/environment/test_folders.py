from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

import pytest

from server.environment import folders
from server.errors import BadDestination


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), folders.scratch(tmp_path / "new") as scratch:
        (scratch / "file").write_text(str(1 / 0))
    assert list((tmp_path / "new").iterdir()) == []


def test_full_disk(tmp_path: Path) -> None:
    with pytest.raises(BadDestination) as raised, folders.scratch(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device", "/mnt/environment/x")
    assert str(raised.value) == (
        f"/mnt/environment/x: No space left on device; mount a volume at {tmp_path} that can be written and has room"
    )


def test_what_a_killed_process_left_is_removed_in_time(tmp_path: Path) -> None:
    for name, age in ((".building-old", 2 * 86400), (".building-new", 60), ("environment", 2 * 86400)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with folders.scratch(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".building-new", "environment"]


def test_faster_process_wins(tmp_path: Path) -> None:
    for name in ("slow", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mark").write_text(name)
    folders.publish(tmp_path / "slow", tmp_path / "final", "mark")
    assert (tmp_path / "final" / "mark").read_text() == "final"


def test_incomplete_folder_in_the_way(tmp_path: Path) -> None:
    for name in ("made", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with pytest.raises(OSError, match="not empty"):
        folders.publish(tmp_path / "made", tmp_path / "final", "mark")


def test_link_in_whose_place_a_folder_is(tmp_path: Path) -> None:
    (tmp_path / "env" / "current").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(BadDestination) as raised:
        folders.link(tmp_path / "env" / "current", tmp_path / "env" / "key", tmp_path / "scratch")
    assert str(raised.value) == f"{tmp_path}/env/current: is not a link of ours (Is a directory); remove it"


def test_cache_of_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    scratch = tmp_path / "scratch"
    # A pod has no cache of uv: it lies beside the environments.
    assert folders.uv_cache("", scratch) == scratch / "uv"
    assert folders.uv_cache("/mnt/cache", scratch) == Path("/mnt/cache/uv")
    # A developer's machine has one, or a setting names it.
    (tmp_path / ".cache" / "uv").mkdir(parents=True)
    assert folders.uv_cache("", scratch) is None
    monkeypatch.setenv("UV_CACHE_DIR", "/mnt/own")
    assert folders.uv_cache("/mnt/cache", scratch) is None
