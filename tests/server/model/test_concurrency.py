from __future__ import annotations

from server.model.concurrency import Concurrency


def test_half_of_the_calls_that_were_under_way_of_late():
    concurrency = Concurrency()
    for _ in range(8):
        concurrency.begin()
    assert [concurrency.is_half(calls) for calls in (3, 4, 5)] == [False, True, True]
    for _ in range(8):
        concurrency.end()
    concurrency.answered()
    assert not concurrency.is_half(3)  # One answer does not make it another load.
    for _ in range(20):
        concurrency.answered()
    assert concurrency.is_half(1)


def test_the_only_call_is_all_there_are():
    concurrency = Concurrency()
    concurrency.begin()
    assert concurrency.is_half(1)
