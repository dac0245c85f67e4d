"""What the model's process itself tells of an exception."""

from __future__ import annotations

import json

import pytest

from server.worker import output

FORGED = "as asked\n2026-11-30 12:00:00,000 ERROR serve: all is lost\x1b[2J\ud800"


@pytest.fixture
def raised():
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(FORGED)
    return caught.value


def test_an_exception_is_one_line_of_json_where_the_servers_are(monkeypatch, capsys, raised):
    monkeypatch.setattr(output, "json_lines", True)
    output.under_way([f"p {number}" for number in range(6)])
    output.write_exception(raised, "it cannot go on")
    output.under_way(None)
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("time").endswith("Z")
    assert said.pop("exception").startswith("Traceback (most recent call last):\n")
    assert said == {
        "level": "ERROR",
        "process": "model",
        "logger": "worker",
        "message": "it cannot go on",
        "puid": "p 0 p 1 p 2 p 3",
    }


def test_an_exception_as_text_begins_no_line_that_looks_like_the_servers(capsys, raised):
    output.write_exception(raised, "it cannot go on")
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "it cannot go on"
    assert all(line.startswith("  | ") for line in others)
    assert others[-1] == "  | 2026-11-30 12:00:00,000 ERROR serve: all is lost\\x1b[2J\\ud800"
