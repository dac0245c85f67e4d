"""What init containers tell the server of."""

from __future__ import annotations

import pytest

from server.telemetry import start_record


def test_what_was_written_is_read(tmp_path):
    start_record.write(tmp_path / "a", seconds=1.5, digest="sha256:0")
    said = start_record.read(tmp_path / "a")
    assert start_record.number(said, "seconds") == 1.5
    assert start_record.text(said, "digest") == "sha256:0"
    assert start_record.number(said, "digest") is None
    assert start_record.text(said, "seconds") == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b'{"seconds": NaN, "digest": []}', b" " * 70_000 + b"{}"]
)
def test_another_file_tells_nothing(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    said = start_record.read(tmp_path / "a")
    assert start_record.number(said, "seconds") is None
    assert start_record.text(said, "digest") == ""


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, caplog):
    start_record.write(tmp_path / "none" / "a", seconds=1)
    assert "cannot be written" in caplog.text
    assert start_record.read(tmp_path / "none" / "a") == {}
