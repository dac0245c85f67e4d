from __future__ import annotations

from server.model.pace import EDGE_SECONDS, Pace


def batch(pace: Pace, calls: int, seconds: float | None) -> None:
    for _ in range(calls):
        pace.begin()
    for _ in range(calls):
        pace.end()
    pace.answered(seconds)


def test_half_of_the_calls_that_were_under_way_of_late() -> None:
    pace = Pace()
    batch(pace, 8, 1)
    assert [pace.is_half(calls) for calls in (3, 4, 5)] == [False, True, True]
    for _ in range(30):
        batch(pace, 1, 1)
    assert pace.is_half(1)


def test_a_batch_is_split_where_the_model_takes_less_time_than_the_edge() -> None:
    pace = Pace()
    assert not pace.overlaps  # Nothing is known yet.
    for seconds, overlaps in ((6, True), (9, False), (6, True)):
        for _ in range(30):
            batch(pace, 8, seconds * EDGE_SECONDS)
        assert pace.overlaps is overlaps


def test_a_call_that_was_not_run_says_nothing_of_the_model() -> None:
    pace = Pace()
    batch(pace, 8, 6 * EDGE_SECONDS)
    for _ in range(30):
        batch(pace, 8, None)
    assert pace.overlaps
