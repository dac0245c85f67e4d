"""Which calls are answered together, in which order, and one timer for the deadlines of all."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from server.ipc.columnar_table import ColumnarTable
from server.model.batcher import Batcher, Call, Deadlines, Result, concatenated, rows, split_result

TABLE = {"as": "array", "names": None, "columnar": False, "nested": [[2, "object"]], "method": "predict"}


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def call(loop):
    def make(count, *, width=2, dtype=float, number=0, alone=False, **header):
        values = [np.full((count, width), number, dtype)]
        return Call({**TABLE, **header}, values, loop.create_future(), 0 if alone else count)

    return make


def filled(calls, max_rows=8):
    waiting = Batcher(max_rows)
    for each in calls:
        waiting.add(each)
    return waiting


def batches(waiting, calls):
    taken = []
    while batch := waiting.take():
        taken.append([calls.index(each) for each in batch])
    return taken


def test_calls_that_differ_in_their_rows_only_are_taken_together(call):
    calls = [call(1), call(2), call(3)]
    assert batches(filled(calls), calls) == [[0, 1, 2]]


@pytest.mark.parametrize(
    "other",
    [{"width": 3}, {"dtype": int}, {"method": "transform"}, {"params": {"a": 1}}, {"names": ["a", "b"]}],
    ids=lambda other: next(iter(other)),
)
def test_others_come_after_in_their_order(call, other):
    calls = [call(1), call(1, **other), call(1), call(1, **other)]
    assert batches(filled(calls), calls) == [[0, 2], [1, 3]]


def test_a_batch_has_no_more_rows_than_it_may(call):
    calls = [call(5), call(4), call(3), call(1)]
    assert batches(filled(calls), calls) == [[0, 2], [1, 3]]


def test_a_call_of_more_rows_than_a_batch_may_have_is_alone(call):
    calls = [call(20), call(1)]
    assert batches(filled(calls), calls) == [[0], [1]]


def test_what_must_be_called_alone_is(call):
    calls = [call(1, alone=True), call(1), call(1, alone=True), call(1)]
    assert batches(filled(calls), calls) == [[0], [1, 3], [2]]


def test_none_waits_for_ever_beside_a_stream_of_others(call):
    waiting = filled([call(4), call(1, width=3), call(4)])
    waiting.take()
    for _ in range(3):
        waiting.add(call(4))
    (rare,) = waiting.take()
    assert rare.values[0].shape == (1, 3)


def test_what_nobody_awaits_is_dropped(call):
    calls = [call(1), call(1), call(1)]
    calls[0].answer.cancel()
    calls[1].answer.cancel()
    assert batches(filled(calls), calls) == [[2]]


def test_what_failed_together_is_tried_again_in_halves_before_others(call):
    calls = [call(1) for _ in range(6)]
    waiting = filled(calls[5:])
    waiting.halve(calls[:5])
    assert len(waiting) == 6
    assert batches(waiting, calls) == [[0, 1], [2, 3, 4], [5]]


def test_a_result_is_parted_as_its_rows_came(call):
    calls = [call(1, number=1), call(2, number=2)]
    (values,) = concatenated(calls)
    assert values.tolist() == [[1, 1], [2, 2], [2, 2]]
    parts = split_result(calls, Result(values * 10, ["a", "b"]))
    assert [part.value.tolist() for part in parts] == [[[10, 10]], [[20, 20], [20, 20]]]
    assert {tuple(part.names) for part in parts} == {("a", "b")}
    table = ColumnarTable([np.array([1, 2, 3]), ["x", "y", None]])
    parts = split_result(calls, Result(table, None, ["a", "b"]))
    assert [part.value.tolist() for part in parts] == [[[1, "x"]], [[2, "y"], [3, None]]]
    assert {tuple(part.known) for part in parts} == {("a", "b")}


@pytest.mark.parametrize("value", [np.zeros(2), [[1], [2]], "text", b"bytes", {"a": 1, "b": 2, "c": 3}])
def test_a_result_without_a_row_for_each_is_not(call, value):
    assert split_result([call(1), call(2)], Result(value, None)) is None


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ({"as": "value"}, [1.0]),
        ({"as": "array"}, [[["a", 1]]]),
        ({"as": "array", "convert": {0: "datetime"}}, [np.zeros((2, 1))]),
        ({"as": "frame"}, [np.array(["2020"], "M8[us]")]),
        ({"as": "frame"}, [np.zeros(2), ["a", "b"]]),
        ({"as": "tensors"}, [np.zeros((2, 1)), np.zeros((3, 1))]),
    ],
    ids=["value", "mixed", "converted", "times", "text column", "other lengths"],
)
def test_what_is_no_table_of_numbers_is_called_alone(header, values):
    assert rows(header, values) == 0


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ({"as": "array"}, [np.zeros((3, 2))]),
        ({"as": "frame"}, [np.zeros(3, bool), np.zeros(3, int)]),
        ({"as": "tensors"}, [np.zeros((3, 2, 2)), np.zeros((3, 1), "f4")]),
    ],
    ids=["array", "columns", "tensors"],
)
def test_a_table_of_numbers_has_rows(header, values):
    assert rows(header, values) == 3


def queued():
    return Call({}, [np.zeros((1, 1))], asyncio.get_running_loop().create_future())


def test_each_call_expires_in_its_turn_and_one_that_ended_does_not():
    async def run():
        expired = []
        last = asyncio.Event()

        def expire(which):
            expired.append(names[which])
            if names[which] == "last":
                last.set()

        deadlines = Deadlines(0.05, expire)
        names = {queued(): name for name in ("first", "ended", "last")}
        for which, name in names.items():
            deadlines.add(which)
            if name == "ended":
                deadlines.remove(which)
            await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            await last.wait()
        later = queued()
        names[later] = "last"
        last.clear()
        deadlines.add(later)
        async with asyncio.timeout(20):
            await last.wait()
        return expired

    assert asyncio.run(run()) == ["first", "last", "last"]
