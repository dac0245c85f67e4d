"""The last trace of a bucket."""

from __future__ import annotations

from server.telemetry.shared_cells import SharedExemplars

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_the_last_one_of_all_processes_counts():
    exemplars = SharedExemplars(2, 3)
    assert exemplars.last(1) is None
    assert not exemplars.any
    exemplars.note(1, TRACE, 0.25)
    assert exemplars.any
    exemplars.become(1)
    exemplars.note(1, "f" * 32, 0.5)
    last = exemplars.last(1)
    assert (last.trace_id, last.value) == ("f" * 32, 0.5)
    assert exemplars.last(0) is exemplars.last(2) is None
