"""What a call gets where the model raises."""

from __future__ import annotations

import socket
import threading

import numpy as np
import pytest

from server.ipc import wire
from server.ipc.connection import FrameConnection
from server.worker.answer import Callee, answer_all
from server.worker.call_queue import CallQueue
from server.worker.exceptions import MOST_CHARACTERS, failure
from server.worker.result import result

HEADER = {"as": "array", "names": None, "columnar": False, "nested": [[2, "object"]], "method": "predict"}


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
