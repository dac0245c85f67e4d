"""Calls of the model over sockets to its processes, whose end the tests hold."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import numpy as np
import pytest

from server.errors import BadData, DeadlineExceeded, ModelFailed, NotReady
from server.ipc import busy_polling, wire
from server.ipc.connection import FrameConnection
from server.model import worker_connection
from server.model.client import ModelClient
from server.shared_state import SharedCounter
from tests.server.model.clock import Clock

HEADER = {"as": "array", "names": None, "columnar": False, "nested": [[2, "object"]]}
METHODS = {"predict": "predict"}


class Process:
    """The model's end of a channel: a test answers by hand."""

    def __init__(self, sock):
        self._connection = FrameConnection(sock)

    async def next(self):
        return await asyncio.to_thread(self._connection.receive)

    async def answer(self, header, value):
        said = {"event": "result", "id": header["id"], "names": None}
        self._connection.send(wire.pack(said, [value]))

    async def fail(self, header, message):
        said = {"event": "error", "id": header["id"], "type": "ValueError", "message": message}
        self._connection.send(wire.pack(said, []))

    async def name(self, names):
        self._connection.send(wire.pack({"event": "names", "names": names}, []))

    def say(self, data):
        """Write bytes as they are."""
        self._connection.send([data])

    def end(self):
        self._connection.close()


@asynccontextmanager
async def connected(count=1, batched=("predict",), max_rows=100, max_queued=100, seconds=60, spin=0):
    client = ModelClient(max_rows, max_queued, seconds, SharedCounter(), spin)
    processes = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        theirs.settimeout(20)
        processes.append(Process(theirs))
        await client.add(ours, METHODS, batched)
    try:
        yield client, *processes
    finally:
        client.close()
        for process in processes:
            process.end()


def calling(client, *numbers):
    return [
        asyncio.create_task(client.call("predict", HEADER, [np.array([[float(number)]])]))
        for number in numbers
    ]


async def values(calls):
    return [result.value.tolist() for result in await asyncio.gather(*calls)]


async def busy(client, process):
    """Return the process's first two calls, which came alone, and have others wait."""
    calls, held = [], []
    for number in (1, 2):
        calls += calling(client, number)
        held.append(await process.next())
    return calls, held


def test_a_result_has_the_names_that_its_process_has_said_first():
    async def run():
        async with connected() as (client, process):
            await process.name({"predict": ["a"], "transform": ["b"]})
            (call,) = calling(client, 1)
            header, (value,) = await process.next()
            await process.answer(header, value)
            result = await call
            return result.names, result.known

    assert asyncio.run(run()) == (None, ["a"])


def test_what_comes_in_at_once_is_answered_together():
    async def run():
        async with connected() as (client, process):
            calls = calling(client, 1, 2, 3)
            header, (rows,) = await process.next()
            await process.answer(header, rows * 10)
            return rows.tolist(), await values(calls)

    together, answers = asyncio.run(run())
    assert together == [[1.0], [2.0], [3.0]]
    assert answers == [[[10.0]], [[20.0]], [[30.0]]]


def test_the_edge_looks_for_answers_that_come_soon(monkeypatch):
    """And sleeps when there is none to come."""
    clock = Clock()
    monkeypatch.setattr(busy_polling, "time", clock)
    slept = []

    async def run():
        loop = asyncio.get_running_loop()
        async with connected(spin=10) as (client, process):
            for _ in range(40):
                calls = calling(client, 1)
                header, (rows,) = await process.next()
                clock.now += 1
                await process.answer(header, rows)
                await values(calls)
            calls = calling(client, 1)
            header, (rows,) = await process.next()
            select = loop._selector.select
            monkeypatch.setattr(
                loop._selector, "select", lambda timeout: (slept.append(timeout != 0), select(timeout))[1]
            )
            await asyncio.sleep(0.02)
            looked = not any(slept)
            await process.answer(header, rows)
            await values(calls)
            slept.clear()
            await asyncio.sleep(0.02)
            return looked, any(slept)

    assert asyncio.run(run()) == (True, True)


def test_a_batch_that_cannot_be_made_is_its_calls_and_nobody_elses(monkeypatch):
    def none(calls):
        raise MemoryError("no room for the rows")

    async def run():
        async with connected() as (client, process):
            monkeypatch.setattr(worker_connection, "concatenated", none)
            refused = await asyncio.gather(*calling(client, 1, 2), return_exceptions=True)
            monkeypatch.undo()
            calls = calling(client, 3)
            header, (rows,) = await process.next()
            await process.answer(header, rows)
            return refused, await values(calls)

    refused, answers = asyncio.run(run())
    assert [str(each) for each in refused] == ["no room for the rows"] * 2
    assert answers == [[[3.0]]]


def test_a_process_that_went_while_its_channel_was_made_makes_nothing_ready(monkeypatch):
    async def run():
        async def gone(factory, sock):
            factory().connection_lost(None)

        client = ModelClient(100, 100, 60, SharedCounter())
        monkeypatch.setattr(asyncio.get_running_loop(), "create_unix_connection", gone)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            await client.add(ours, METHODS, ("predict",))
        with pytest.raises(NotReady):
            await client.call("predict", HEADER, [np.array([[1.0]])])
        return client.ready

    assert asyncio.run(run()) is False


def test_what_waits_while_the_model_is_busy_is_answered_together():
    async def run():
        async with connected() as (client, process):
            calls, held = await busy(client, process)
            calls += calling(client, 3, 4, 5)
            await asyncio.sleep(0)
            for header, (rows,) in held:
                await process.answer(header, rows * 10)
            header, (rows,) = await process.next()
            await process.answer(header, rows * 10)
            return [rows.tolist() for _, (rows,) in held], rows.tolist(), await values(calls)

    alone, together, answers = asyncio.run(run())
    assert alone == [[[1.0]], [[2.0]]]
    assert together == [[3.0], [4.0], [5.0]]
    assert answers == [[[10.0]], [[20.0]], [[30.0]], [[40.0]], [[50.0]]]


def test_calls_of_other_methods_are_not():
    async def run():
        async with connected(batched=()) as (client, process):
            calls, held = await busy(client, process)
            calls += calling(client, 3, 4)
            await asyncio.sleep(0)
            for header, (rows,) in held:
                await process.answer(header, rows)
            for _ in (3, 4):
                header, (rows,) = await process.next()
                await process.answer(header, rows)
            return await values(calls)

    assert asyncio.run(run()) == [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]


def test_an_error_stays_with_the_request_that_caused_it():
    async def run():
        async with connected() as (client, process):
            calls, held = await busy(client, process)
            calls += calling(client, 3, -1, 4, 5)
            await asyncio.sleep(0)
            for header, (rows,) in held:
                await process.answer(header, rows)
            seen = []
            while not all(call.done() for call in calls):
                header, (rows,) = await process.next()
                seen.append(rows.ravel().tolist())
                if (rows < 0).any():
                    await process.fail(header, "a negative number")
                else:
                    await process.answer(header, rows)
                await asyncio.sleep(0.01)
            return seen, await asyncio.gather(*calls, return_exceptions=True)

    seen, results = asyncio.run(run())
    assert seen[0] == [3, -1, 4, 5]
    assert sorted(seen[1:]) == [[-1], [3], [3, -1], [4, 5]]
    failed = results.pop(3)
    assert isinstance(failed, ModelFailed)
    assert str(failed) == "ValueError: a negative number"
    assert [result.value.tolist() for result in results] == [[[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]]]


def test_a_process_that_ends_while_a_batch_is_tried_in_parts_leaves_none_of_it_waiting():
    async def run():
        async with connected() as (client, process):
            calls, held = await busy(client, process)
            calls += calling(client, 3, -1, 4, 5)
            await asyncio.sleep(0)
            for header, (rows,) in held:
                await process.answer(header, rows)
            header, _ = await process.next()
            await process.fail(header, "a negative number")
            await process.next()
            process.end()
            async with asyncio.timeout(20):
                return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(run())
    assert [result.value.tolist() for result in results[:2]] == [[[1.0]], [[2.0]]]
    assert [type(result) for result in results[2:]] == [NotReady] * 4


def test_calls_whose_result_has_no_row_for_each_are_called_again_apart():
    async def run():
        async with connected() as (client, process):
            calls, held = await busy(client, process)
            calls += calling(client, 3, 4)
            await asyncio.sleep(0)
            for header, (rows,) in held:
                await process.answer(header, rows)
            for _ in range(3):
                header, (rows,) = await process.next()
                await process.answer(header, f"sum {rows.sum()}")
            return [result.value for result in await asyncio.gather(*calls[2:])]

    assert asyncio.run(run()) == ["sum 3.0", "sum 4.0"]


def test_a_batch_that_nobody_awaits_is_cancelled_and_one_that_somebody_awaits_is_not():
    async def run():
        async with connected() as (client, process):
            _, held = await busy(client, process)
            waiting = calling(client, 3, 4)
            await asyncio.sleep(0)
            await process.answer(held[0][0], held[0][1][0])
            header, _ = await process.next()
            waiting[0].cancel()
            await asyncio.sleep(0)
            waiting[1].cancel()
            await asyncio.sleep(0)
            said, _ = await process.next()
            return header["id"], said

    number, said = asyncio.run(run())
    assert said == {"cancel": number, "values": []}


def test_whichever_process_has_room_gets_the_next_call():
    async def run():
        async with connected(2) as (client, one, other):
            calls = []
            for number in range(4):
                calls += calling(client, number)
                await asyncio.sleep(0)
            held = [[await process.next() for _ in range(2)] for process in (one, other)]
            calls += calling(client, 4)
            await asyncio.sleep(0)
            await other.answer(*[held[1][0][0], held[1][0][1][0]])
            _, (rows,) = await other.next()
            for call in calls:
                call.cancel()
            return rows.tolist()

    assert asyncio.run(run()) == [[4.0]]


def test_what_waits_goes_to_the_process_that_is_left():
    async def run():
        async with connected(2) as (client, one, other):
            calls = []
            for number in range(4):
                calls += calling(client, number)
                await asyncio.sleep(0)
            held = [await other.next() for _ in range(2)]
            calls += calling(client, 4)
            await asyncio.sleep(0)
            one.end()
            for header, (rows,) in held:
                await other.answer(header, rows)
            header, (rows,) = await other.next()
            await other.answer(header, rows)
            return client.ready, await asyncio.gather(*calls, return_exceptions=True)

    ready, results = asyncio.run(run())
    assert ready
    lost = [result for result in results if isinstance(result, NotReady)]
    assert len(lost) == 2
    assert results[4].value.tolist() == [[4.0]]


def test_without_a_process_calls_are_told():
    async def run():
        async with connected() as (client, process):
            calls, _ = await busy(client, process)
            calls += calling(client, 3)
            await asyncio.sleep(0)
            process.end()
            ended = await asyncio.gather(*calls, return_exceptions=True)
            with pytest.raises(NotReady) as refused:
                await client.call("predict", HEADER, [np.zeros((1, 1))])
            return client.ready, {str(error) for error in ended}, str(refused.value)

    ready, ended, refused = asyncio.run(run())
    assert not ready
    assert ended == {
        "the model's process ended before it answered; it is being started again: send the request again"
    }
    assert refused == "the model is not loaded; send the request again when /health/status answers 200"


def test_calls_that_cannot_be_written_are_refused_and_hold_no_place():
    deep = []
    for _ in range(5000):
        deep = [deep]
    header = {"as": "value", "names": None}

    async def run():
        async with connected() as (client, process):
            for _ in range(3):
                with pytest.raises(BadData, match="nest its lists and objects less"):
                    await client.call("predict", header, [deep])
            (call,) = calling(client, 1)
            header_of_call, (rows,) = await process.next()
            await process.answer(header_of_call, rows)
            return await values([call])

    assert asyncio.run(run()) == [[[1.0]]]


def test_a_call_that_is_given_up_is_not_written_out():
    written = []

    class Unwritten(list):
        def __repr__(self):
            written.append(self)
            return ""

    async def run():
        async with connected(seconds=0.05) as (client, _):
            with pytest.raises(DeadlineExceeded):
                await client.call("predict", {"as": "value", "names": None}, [Unwritten()])

    asyncio.run(run())
    assert not written


def raw(header, body=b"", announced=None):
    """Return a frame, be it right or wrong."""
    text = json.dumps(header).encode()
    return wire.PREFIX.pack(len(text), len(body) if announced is None else announced) + text + body


def result(number, **said):
    array = {"kind": "array", "dtype": "<f8", "shape": [1, 1], "size": 8, **said}
    return {"event": "result", "id": number, "names": None, "values": [array]}


LIES = {
    "another call's": lambda number: raw(result(number + 1000), bytes(8)),
    "twice": lambda number: 2 * raw(result(number), bytes(8)),
    "another shape": lambda number: raw(result(number, shape=[7, 7]), bytes(8)),
    "a shape that any fits": lambda number: raw(result(number, shape=[-1]), bytes(8)),
    "objects": lambda number: raw(result(number, dtype="O"), bytes(8)),
    "records": lambda number: raw(result(number, dtype=[["a", "<f8"]]), bytes(8)),
    "less than it says": lambda number: raw(result(number, size=16, shape=[2]), bytes(8)),
    "more than it says": lambda number: raw(result(number), bytes(16)),
    "no object": lambda number: raw([number]),
    "no JSON": lambda number: wire.PREFIX.pack(4, 0) + b"}{}{",
    "deep": lambda number: wire.PREFIX.pack(200_000, 0) + b"[" * 200_000,
    "unknown": lambda number: raw({"event": "greeting", "id": number, "values": []}),
    "no event": lambda number: raw({"id": number, "values": []}),
    "an id that is none": lambda number: raw({"event": "result", "id": [number], "values": []}),
    "no value": lambda number: raw({**result(number), "values": []}),
    "names that are none": lambda number: raw({**result(number), "names": [1, {}]}, bytes(8)),
    "names of nothing": lambda number: raw({"event": "names", "names": [], "values": []}),
    "cancelled unasked": lambda number: raw({"event": "cancelled", "id": number, "values": []}),
    "a part unasked": lambda number: raw({**result(number), "event": "part"}, bytes(8)),
    "an end unasked": lambda number: raw({"event": "end", "id": number, "values": []}),
    "an error without a text": lambda number: raw({"event": "error", "id": number, "values": []}),
    "4 GB": lambda number: raw({}, announced=1 << 32),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_process_that_breaks_the_rules_is_given_up_and_all_that_wait_are_told(lie):
    async def run():
        async with connected() as (client, process):
            told = []
            client.report = lambda pid, why, reason: told.append(why)
            calls, held = await busy(client, process)
            calls += calling(client, 3)
            await asyncio.sleep(0)
            process.say(lie(held[0][0]["id"]))
            async with asyncio.timeout(20):
                got = await asyncio.gather(*calls, return_exceptions=True)
            return told, client.ready, client.why, got

    (why,), ready, said, got = asyncio.run(run())
    assert not ready
    assert why in said
    *first, last = got
    assert isinstance(last, NotReady)
    assert all(isinstance(each, NotReady) or lie is LIES["twice"] for each in first)


def test_a_process_that_owes_an_answer_and_says_nothing_is_given_up():
    """Also where nobody awaits the answer any more."""

    async def run():
        async with connected(seconds=0.1) as (client, process):
            told = asyncio.Event()
            client.report = lambda pid, why, reason: told.set()
            (call,) = calling(client, 1)
            await process.next()
            call.cancel()
            async with asyncio.timeout(20):
                await told.wait()
            return client.ready, client.why

    ready, why = asyncio.run(run())
    assert (ready, why) == (
        False,
        "the model's process is killed, since it has not answered for 0.2 seconds",
    )


def test_a_frame_of_the_process_begins_its_time_anew():
    """Of two batches the second waits for the first one's time too."""
    seconds = 0.8

    async def run():
        async with connected(seconds=seconds) as (client, process):
            loop, reported = asyncio.get_running_loop(), asyncio.Event()
            client.report = lambda pid, why, reason: reported.set()
            calls, held = await busy(client, process)
            await asyncio.sleep(seconds / 2)
            header, (rows,) = held[0]
            answered = loop.time()
            await process.answer(header, rows)
            await calls[0]
            await reported.wait()
            return loop.time() - answered

    assert asyncio.run(run()) >= 2 * seconds


def test_a_batch_has_the_time_of_each_of_its_calls():
    async def run():
        async with connected(seconds=0.1) as (client, process):
            loop, told = asyncio.get_running_loop(), asyncio.Event()
            client.report = lambda pid, why, reason: told.set()
            calls = calling(client, 1, 2, 3)
            _, (rows,) = await process.next()
            began = loop.time()
            async with asyncio.timeout(20):
                await told.wait()
            await asyncio.gather(*calls, return_exceptions=True)
            return len(rows), client.why, loop.time() - began

    rows, why, seconds = asyncio.run(run())
    assert rows == 3
    assert why == "the model's process is killed, since it has not answered for 0.6 seconds"
    assert seconds > 0.5
