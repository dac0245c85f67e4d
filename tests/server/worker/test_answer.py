"""What a call gets: an answer, an error where the model raises, or an answer in parts.

Those in parts come between a real end of the model's process, in a thread, and the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from contextlib import aclosing, asynccontextmanager

import numpy as np
import pytest

from server.errors import DeadlineExceeded, ModelFailed, NotReady
from server.ipc import wire
from server.ipc.connection import FrameConnection
from server.model.batcher import AHEAD
from server.model.client import ModelClient
from server.shared_state import SharedCounter
from server.worker.answer import Callee, answer_all
from server.worker.call_queue import CallQueue
from server.worker.exceptions import MOST_CHARACTERS, failure
from server.worker.result import result

HEADER = {"as": "array", "names": None, "columnar": False, "nested": [[2, "object"]], "method": "predict"}
STREAMED = {"as": "value", "names": None, "columnar": False, "nested": []}
METHODS = {"predict": "predict", "predict_stream": "predict_stream"}


class PanicException(BaseException):
    """As libraries written in Rust raise it."""


class Raising:
    """Answers calls by a model that raises what it is told to, until closed."""

    def __init__(self, names=()):
        self.error = None
        self._names = dict(names)
        self._sock, theirs = socket.socketpair()
        self._control, controlled = socket.socketpair()
        self._connection = FrameConnection(self._sock)
        calls = CallQueue([FrameConnection(theirs)], FrameConnection(controlled))
        self._thread = threading.Thread(target=self._answer, args=(calls,))
        self._thread.start()
        self._theirs = theirs, controlled

    def call(self):
        self._connection.send(wire.pack({**HEADER, "id": 1}, [np.zeros((1, 1))]))
        return self.receive()

    def receive(self):
        self._sock.settimeout(20)
        return self._connection.receive()[0]

    def close(self):
        self._control.close()
        self._thread.join(20)
        for sock in (self._sock, *self._theirs):
            sock.close()

    def _answer(self, calls):
        with pytest.raises(EOFError):
            answer_all(Callee({"predict": self._predict}, None, self._names), calls)

    def _predict(self, rows, params):
        if self.error is not None:
            raise self.error
        return rows


@pytest.fixture
def raising():
    made = Raising()
    yield made
    made.close()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit("no"), PanicException("no"), EOFError("no")])
def test_whatever_it_is_the_call_gets_it_and_the_next_one_is_answered(raising, error):
    raising.error = error
    said = raising.call()
    assert (said["event"], said["type"], said["message"]) == ("error", type(error).__name__, "no")
    raising.error = None
    assert raising.call()["event"] == "result"


def test_names_are_told_once_before_the_first_answer():
    named = Raising({"transform": ["a", "b"]})
    try:
        said = named.receive()
        assert (said["event"], said["names"]) == ("names", {"transform": ["a", "b"]})
        assert [named.call()["event"] for _ in range(2)] == ["result", "result"]
    finally:
        named.close()


class Unspeakable(Exception):
    def __str__(self):
        return None


class Ending(Exception):
    def __str__(self):
        raise SystemExit(1)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no \ud800 here"), "no \\ud800 here"),
        (Unspeakable(), "its text cannot be had: TypeError"),
        (Ending(), "its text cannot be had: SystemExit"),
        (ValueError("x" * 100_000), "x" * MOST_CHARACTERS),
    ],
)
def test_a_text_that_cannot_be_sent_does_not_keep_the_error_back(raising, error, message):
    raising.error = error
    assert raising.call()["message"] == message
    raising.error = None
    assert raising.call()["event"] == "result"


GAPS = {
    "nan": [np.array([[1.0, np.nan]])],
    "infinity": [np.array([[np.inf, 1.0]])],
    "null": [[["a", None]]],
    "deep": [{"a": [{"b": float("nan")}]}],
}


@pytest.mark.parametrize("values", GAPS.values(), ids=GAPS)
def test_a_model_that_complains_of_a_gap_that_the_request_has_is_told_what_it_cannot_take(values):
    """And nothing is logged: it is the client's doing."""
    said = failure(ValueError("Input X contains NaN."), values)
    assert said["refused"]
    assert "traceback" not in said


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Input X contains NaN.", [np.array([[1.0, 2.0]])]),
        ("Input X contains NaN.", [[["a", "NaN"]]]),
        ("division by zero", GAPS["nan"]),
    ],
)
def test_what_else_it_raises_is_the_models_own(text, values):
    said = failure(ValueError(text), values)
    assert not said["refused"]
    assert said["traceback"] == f"ValueError: {text}"


def test_what_it_returns_is_its_own_whatever_the_request_has():
    with pytest.raises(TypeError) as caught:
        result(None)
    assert not failure(caught.value, GAPS["null"])["refused"]


class Model:
    """Answers with what it is asked, or with that many parts; it notes what it made and what was closed.

    ``taken`` is told by a test that counts: ``ahead`` is how many parts more than those it made at most.
    """

    def __init__(self):
        self.order = []
        self.made = []
        self.taken = self.ahead = 0
        self.closed = threading.Event()
        self.waits = threading.Event()
        self.go_on = threading.Event()

    def predict(self, value, params):
        self.order.append(value)
        return {"answer": value}

    def predict_stream(self, value, params):
        try:
            for number in range(value["parts"]):
                if number == value.get("fails"):
                    raise ValueError(value.get("text", "as asked"))
                if number == value.get("waits"):
                    self.waits.set()
                    self.go_on.wait(20)
                self.order.append(f"part {number}")
                self.made.append(number)
                self.ahead = max(self.ahead, len(self.made) - self.taken)
                yield {"part": number}
        finally:
            self.closed.set()
            if value.get("stubborn"):
                raise KeyError("cannot be closed")


class Process:
    """A thread that answers the calls of several server_processes as the model's process does."""

    def __init__(self, server_processes=1):
        self.model = Model()
        pairs = [socket.socketpair() for _ in range(server_processes)]
        self.ours = [ours for ours, _ in pairs]
        self._theirs = [theirs for _, theirs in pairs]
        self._control, self._controlled = socket.socketpair()
        calls = CallQueue([FrameConnection(theirs) for _, theirs in pairs], FrameConnection(self._controlled))
        methods = {"predict": self.model.predict, "predict_stream": self.model.predict_stream}
        self._thread = threading.Thread(target=self._run, args=(Callee(methods, None), calls))
        self._thread.start()

    def _run(self, callee, calls):
        with contextlib.suppress(EOFError):
            answer_all(callee, calls)

    def end(self):
        self._control.close()
        self.model.go_on.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        for sock in (*self._theirs, self._controlled):
            sock.close()


@asynccontextmanager
async def connected(processes=1, server_processes=1, seconds=60):
    """Give the connections of each server process, and the processes."""
    running = [Process(server_processes) for _ in range(processes)]
    counter = SharedCounter()
    all_channels = [ModelClient(100, 100, seconds, counter) for _ in range(server_processes)]
    for number, client in enumerate(all_channels):
        for process in running:
            await client.add(process.ours[number], METHODS, [])
    try:
        yield (*all_channels, *running)
        assert counter.total == 0
    finally:
        for client in all_channels:
            client.close()
        for process in running:
            process.end()


def stream(client, parts, **asked):
    return client.stream("predict_stream", STREAMED, [{"parts": parts, **asked}])


async def call(client, value="x"):
    result = await asyncio.wait_for(client.call("predict", STREAMED, [value]), 20)
    return result.value["answer"]


async def taken(parts, got):
    async for part in parts:
        got.append(part["part"])


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("count", [0, 1, AHEAD, AHEAD + 1, 5 * AHEAD])
def test_parts_come_in_order_and_then_the_end(count):
    async def run():
        async with connected() as (client, _):
            parts = [part async for part in stream(client, count)]
            return parts, await call(client)

    assert asyncio.run(run()) == ([{"part": number} for number in range(count)], "x")


def test_a_part_comes_before_the_next_is_made():
    async def run():
        async with connected() as (client, process), aclosing(stream(client, 2, waits=1)) as parts:
            first = await anext(parts)
            made = list(process.model.made)
            process.model.go_on.set()
            return first, made, [part async for part in parts]

    assert asyncio.run(run()) == ({"part": 0}, [0], [{"part": 1}])


def test_the_model_makes_no_more_than_is_taken_and_a_few():
    async def run():
        async with connected() as (client, process), aclosing(stream(client, 3 * AHEAD)) as parts:
            got = []
            for process.model.taken in range(1, 3 * AHEAD + 1):
                got.append(await anext(parts))
                await until(lambda: len(process.model.made) >= min(len(got) + AHEAD, 3 * AHEAD))
            return len(got), process.model.ahead

    assert asyncio.run(run()) == (3 * AHEAD, AHEAD)


@pytest.mark.parametrize("stubborn", [False, True])
def test_one_that_is_closed_closes_the_models_and_frees_its_process(stubborn):
    async def run():
        async with connected() as (client, process):
            async with aclosing(stream(client, 1000, stubborn=stubborn)) as parts:
                await anext(parts)
            await until(process.model.closed.is_set)
            return await call(client), len(process.model.made)

    answer, made = asyncio.run(run())
    assert answer == "x"
    assert made < 1000


def test_one_that_is_cancelled_while_a_part_is_awaited_is_closed_when_that_is_made():
    async def run():
        async with connected() as (client, process):
            parts = stream(client, 1000, waits=1)
            await anext(parts)
            waiting = asyncio.create_task(anext(parts))
            await asyncio.sleep(0)  # It awaits the part.
            await until(process.model.waits.is_set)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            process.model.go_on.set()
            return await call(client), process.model.closed.is_set()

    assert asyncio.run(run()) == ("x", True)


def test_one_that_nobody_awaits_before_it_begins_is_not_begun():
    async def run():
        async with connected() as (client, process):
            first = stream(client, 2, waits=1)
            await anext(first)
            second = asyncio.create_task(anext(stream(client, 2)))
            await asyncio.sleep(0)  # It is queued.
            second.cancel()
            process.model.go_on.set()
            rest = [part async for part in first]
            return rest, await call(client), process.model.made

    assert asyncio.run(run()) == ([{"part": 1}], "x", [0, 1])


def test_an_error_comes_after_the_parts_before_it():
    async def run():
        got = []
        async with connected() as (client, _):
            with pytest.raises(ModelFailed, match="ValueError: as asked"):
                await taken(stream(client, 4, fails=2), got)
            return got, await call(client)

    assert asyncio.run(run()) == ([0, 1], "x")


def test_what_json_has_no_form_for_is_an_error():
    async def run():
        async with connected() as (client, process):
            process.model.made = None  # append fails with an AttributeError before the first part.
            with pytest.raises(ModelFailed, match="AttributeError"):
                await anext(stream(client, 1))
            return await call(client)

    assert asyncio.run(run()) == "x"


def test_the_deadline_is_that_of_a_part_while_it_is_awaited():
    async def run():
        async with connected(seconds=1) as (client, process):
            parts = stream(client, 4, waits=3)
            for _ in range(3):
                await anext(parts)
                await asyncio.sleep(0.5)  # Whoever takes parts slowly does not use up the model's time.
            with pytest.raises(DeadlineExceeded, match="in 1 seconds"):
                await anext(parts)
            process.model.go_on.set()
            return await call(client), process.model.closed.is_set()

    assert asyncio.run(run()) == ("x", True)


def test_a_text_that_cannot_be_sent_does_not_keep_an_error_back():
    async def run():
        async with connected() as (client, _):
            with pytest.raises(ModelFailed) as caught:
                await anext(stream(client, 1, fails=0, text="half \ud800"))
            return str(caught.value)

    assert asyncio.run(run()) == "ValueError: half \\ud800"


def test_those_that_run_when_the_server_ends_are_told():
    async def run():
        async with connected() as (client, process):
            parts = stream(client, 1000, waits=1)
            got = [await anext(parts)]
            client.end_streams()
            with pytest.raises(NotReady, match="the server ends"):
                got.append(await anext(parts))
            process.model.go_on.set()
            return got, await call(client)

    assert asyncio.run(run()) == ([{"part": 0}], "x")


def test_those_whose_process_ends_are_told():
    async def run():
        async with connected() as (client, process):
            parts = stream(client, 2, waits=1)
            await anext(parts)
            process.ours[0].shutdown(socket.SHUT_RDWR)
            with pytest.raises(NotReady, match="the model's process ended"):
                await anext(parts)
            process.model.go_on.set()
            await until(process.model.closed.is_set)

    asyncio.run(run())


def test_a_call_does_not_wait_behind_a_stream_where_another_process_is_idle():
    async def run():
        async with connected(processes=2) as (client, *processes):
            parts = stream(client, 2, waits=1)
            await anext(parts)
            answers = [await call(client, value) for value in range(5)]
            for process in processes:
                process.model.go_on.set()
            return answers, [part async for part in parts]

    assert asyncio.run(run()) == (list(range(5)), [{"part": 1}])


def test_a_call_does_not_wait_behind_the_stream_of_another_edge():
    async def run():
        async with connected(processes=2, server_processes=2) as (one, other, *processes):
            parts = stream(one, 2, waits=1)
            await anext(parts)
            answers = await asyncio.gather(*(call(other, value) for value in range(5)))
            for process in processes:
                process.model.go_on.set()
            return answers, [part async for part in parts], await call(other)

    assert asyncio.run(run()) == (list(range(5)), [{"part": 1}], "x")


def test_calls_and_streams_wait_for_the_stream_of_the_only_process():
    async def run():
        async with connected(server_processes=2) as (one, other, process):
            parts = stream(one, 2, waits=1)
            await anext(parts)
            calls = [asyncio.create_task(call(edge, value)) for value, edge in enumerate((one, other, other))]
            another = stream(other, 3)
            second = asyncio.create_task(anext(another))
            await asyncio.sleep(0)  # They wait.
            await until(process.model.waits.is_set)
            process.model.go_on.set()
            rest = [part async for part in parts]
            got = [await second, *[part async for part in another]]
            return rest, await asyncio.gather(*calls), got, process.model.order[:2]

    rest, answers, got, first = asyncio.run(run())
    assert first == ["part 0", "part 1"]
    assert rest == [{"part": 1}]
    assert answers == [0, 1, 2]
    assert got == [{"part": number} for number in range(3)]


def test_an_edge_that_dies_in_a_stream_leaves_the_process_to_the_others():
    async def run():
        async with connected(server_processes=2) as (one, other, process):
            parts = stream(one, 1000)
            await anext(parts)
            process.ours[0].shutdown(socket.SHUT_RDWR)
            answer = await call(other)
            with contextlib.suppress(NotReady):
                await taken(parts, [])
            return answer, process.model.closed.is_set(), len(process.model.made) < 1000

    assert asyncio.run(run()) == ("x", True, True)


def test_many_streams_and_calls_of_several_edges_all_get_their_own():
    async def one_stream(client, count):
        return [part["part"] async for part in stream(client, count)]

    async def run():
        async with connected(processes=2, server_processes=3) as (*server_processes, _, _):
            streams = [one_stream(server_processes[number % 3], number) for number in range(40)]
            calls = [call(server_processes[number % 3], number) for number in range(100)]
            async with asyncio.timeout(60):
                return await asyncio.gather(*streams), await asyncio.gather(*calls)

    streams, answers = asyncio.run(run())
    assert streams == [list(range(number)) for number in range(40)]
    assert answers == list(range(100))
