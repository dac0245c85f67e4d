"""The heartbeats of processes that go on, and of those that have ended."""

from __future__ import annotations

from types import SimpleNamespace

from server import shared_state
from server.shared_state import Heartbeats


def test_a_process_that_has_drained_is_not_taken_for_one_that_hangs(monkeypatch):
    now = 0
    monkeypatch.setattr(shared_state, "time", SimpleNamespace(monotonic_ns=lambda: now))
    beats = Heartbeats(2)
    now = 30 * 10**9
    assert beats.silence == 30
    beats.become(1)
    beats.leave()
    assert beats.silence == 30  # Of the one that goes on.
    beats.become(0)
    beats.leave()
    assert beats.silence == 0
