"""What the servers that are compared are started with."""

from __future__ import annotations

from benchmarks.serving import peers


def test_what_they_serve_is_there():
    assert peers.COMPONENT.is_file()
    assert (peers.LIMIT_APP / "app.py").is_file()
