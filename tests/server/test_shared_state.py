"""What processes share: counters, heartbeats, and what requests may take of the memory."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from server import shared_state
from server.errors import BadData, BudgetFull, TooCostly
from server.protocol.json_codec import decode
from server.schema.json_data import tabled
from server.shared_state import SMALL, ByteBudget, Heartbeats, SharedCounter

MIB = 1024**2


def test_processes_count_together():
    counter = SharedCounter(2)
    counter.add(3)
    child = os.fork()
    if child == 0:
        counter.become(1)
        counter.add(2)
        counter.add(-1)
        os._exit(0 if counter.total == 4 and counter.least else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert counter.total == 4
    assert not counter.least
    counter.add(-2)
    assert counter.least


def test_what_is_taken_is_given_back_and_more_than_there_is_refused():
    budget = ByteBudget(100 * MIB)
    with budget.reserved(50 * MIB):
        with pytest.raises(
            BudgetFull, match=r"take 52428800 of 104857600 bytes of memory: this one has to wait"
        ):
            budget.acquire(30 * MIB)
        # What is small gets in beside large ones.
        with budget.reserved(SMALL):
            pass
    assert budget.taken == 0
    budget.acquire(75 * MIB)
    with pytest.raises(BudgetFull):
        budget.acquire(SMALL + 1)
    budget.acquire(SMALL)


def test_what_can_never_fit_is_another_error():
    with pytest.raises(
        TooCostly, match=r"^the request takes up to 104857600 bytes of memory once it is parsed: it may "
    ):
        ByteBudget(100 * MIB).acquire(100 * MIB)


def test_one_long_text_among_many_takes_no_more_than_it_has():
    rows = [["a"]] * 2000 + [["b" * 1_000_000]]
    assert decode({"data": {"ndarray": rows}}).values == rows
    with pytest.raises(BadData, match=r"^data.tensor.values has \"a\": it must be a flat list of numbers"):
        decode({"data": {"tensor": {"shape": [2001, 1], "values": [row[0] for row in rows]}}})


def test_records_that_each_have_a_name_of_their_own_make_no_square_of_what_was_sent():
    records = [{f"c{index}": 0} for index in range(5000)]
    with pytest.raises(BadData, match=r"has 5000 values for 5000 rows of 5000 columns: most must be there"):
        tabled(decode({"jsonData": {"dataframe_records": records}}))


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
