"""Any calls, whatever is cancelled, fails or dies meanwhile: each gets its own answer, and nothing is left waiting."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from server.errors import DeadlineExceeded, ModelFailed, NotReady, Overloaded
from server.ipc.connection import FrameConnection
from server.model.client import ModelClient
from server.shared_state import SharedCounter
from server.worker.answer import Callee, answer_all
from server.worker.call_queue import CallQueue

HEADER = {"as": "array", "names": None, "columnar": False, "nested": [[2, "object"]]}
METHODS = {"predict": "predict", "transform": "one"}
MOST_WAITING = 12
BAD, CROWD = -1, 7
# Held while calls are made, so that some wait.
busy = threading.Lock()


def predict(rows, params):
    """Refuse what is negative, and give one answer for all where one of them is CROWD."""
    with busy:
        pass
    if (rows < 0).any():
        raise ValueError(f"{rows.min():g} is negative")
    return "crowded" if (rows == CROWD).any() else rows * 10


class Process:
    """A thread that answers calls as the model's process does."""

    def __init__(self, theirs):
        self._theirs = theirs
        self._control, self._controlled = socket.socketpair()
        calls = CallQueue([FrameConnection(theirs)], FrameConnection(self._controlled))
        self._thread = threading.Thread(target=self._run, args=(calls,))
        self._thread.start()

    def _run(self, calls):
        with contextlib.suppress(EOFError, OSError):
            answer_all(Callee({"predict": predict, "one": predict}, None), calls)

    def kill(self):
        with contextlib.suppress(OSError):
            self._theirs.shutdown(socket.SHUT_RDWR)
        self._control.close()

    def close(self):
        self._thread.join(20)
        self._theirs.close()
        self._controlled.close()


async def run(processes, rounds):
    """Make the calls of each round while the model is busy, do what comes beside, and let it go on."""
    counter = SharedCounter()
    client = ModelClient(16, MOST_WAITING, 60, counter)
    alive, dead = [], []
    for _ in range(processes):
        ours, theirs = socket.socketpair()
        alive.append(Process(theirs))
        await client.add(ours, METHODS, ["predict"])
    calls = []
    try:
        for made, (beside, number) in rounds:
            with busy:
                for role, count, value in made:
                    rows = np.full((count, 2), float(value))
                    calls.append((asyncio.create_task(client.call(role, HEADER, [rows])), value, rows))
                await asyncio.sleep(0.0005 * number)
                if beside == "cancel":
                    for task, _, _ in calls[number :: MOST_WAITING // 2]:
                        task.cancel()
                elif beside == "kill" and alive:
                    dead.append(alive.pop())
                    dead[-1].kill()
            await asyncio.sleep(0.0005 * number)
        async with asyncio.timeout(20):
            ended = await asyncio.gather(*(task for task, _, _ in calls), return_exceptions=True)
    finally:
        client.close()
        for process in alive:
            process.kill()
        for process in (*alive, *dead):
            process.close()
    return calls, ended, bool(dead), counter.total


def right(end, value, rows, killed):
    if isinstance(end, BaseException):
        if isinstance(end, ModelFailed):
            return value == BAD and str(end) == "ValueError: -1 is negative"
        if isinstance(end, DeadlineExceeded):
            return False
        return isinstance(end, asyncio.CancelledError | Overloaded) or (killed and isinstance(end, NotReady))
    if value == CROWD:
        return end.value == "crowded"
    return value != BAD and end.value.tobytes() == (rows * 10).tobytes()


CALL = st.tuples(
    st.sampled_from(["predict", "predict", "transform"]),
    st.integers(1, 5),
    st.sampled_from([0, 1, 2, 3, 4, BAD, CROWD]),
)
BESIDE = st.sampled_from(["nothing", "nothing", "cancel", "cancel", "kill"])
ROUNDS = st.lists(st.tuples(st.lists(CALL, max_size=16), st.tuples(BESIDE, st.integers(0, 3))), max_size=4)


@given(processes=st.integers(1, 3), rounds=ROUNDS)
def test_each_gets_its_own_answer(processes, rounds):
    with contextlib.redirect_stderr(io.StringIO()):  # What the model raised.
        calls, ended, killed, waiting = asyncio.run(run(processes, rounds))
    for (_, value, rows), end in zip(calls, ended, strict=True):
        assert right(end, value, rows, killed), (value, end)
    assert waiting == 0
