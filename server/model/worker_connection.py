"""The connection to one process of the model: batches in flight, their answers, streams and cancellation."""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.errors import BadData, ModelFailed, NotReady, ServerError
from server.ipc.wire import CANCEL, LARGEST, MORE, BadFrame
from server.model.batcher import Call, Result, concatenated, split_result
from server.model.frame_protocol import FrameProtocol
from server.model.stream import AHEAD

# Batches in flight: the one that the process runs, and the next, so that it never idles between two.
MAX_IN_FLIGHT = 2

ENDED = "the model's process ended before it answered; it is being started again: send the request again"
KILLED = "the model's process is killed, since {why}; it is being started again: send the request again"


@dataclass(slots=True)
class InFlight:
    """A batch in flight.

    ``since`` is when it was sent, ``asked`` how many parts of a stream the process may send, and ``cancelled`` when its
    cancellation was sent, which the process acknowledges.
    """

    calls: list[Call]
    since: float
    asked: int = 0
    cancelled: float | None = None

    @property
    def awaited(self) -> float | None:
        """Since when a frame of the process is due, or None while a stream's client does not wait for a part."""
        stream = self.calls[0].stream
        if stream is None:
            return self.since
        return self.cancelled if stream.awaited is None else stream.awaited


class WorkerConnection(FrameProtocol):
    """A connection to one process of the model.

    Args:
        sock: the connected socket.
        pid: the process's id.
        retry: called with a batch that failed, or whose result has another number of rows: it is split.
        requeue: called with a batch that the process has refused before it started it.
        answered: called when another batch may be sent.
        left: called when the connection is closed.
        failed: called when the process violates the protocol, with the reason.
        largest: how many bytes a frame of the process may have.
    """

    def __init__(
        self,
        sock: socket.socket,
        pid: int,
        *,
        retry: Callable[[Sequence[Call]], None],
        requeue: Callable[[list[Call]], None],
        answered: Callable[[], None],
        left: Callable[[], None],
        failed: Callable[[WorkerConnection, str], None],
        largest: int = LARGEST,
    ) -> None:
        super().__init__(largest)
        self.sock = sock
        self.pid = pid
        self.open = True
        self._retry = retry
        self._requeue = requeue
        self._answered = answered
        self._left = left
        self._failed = failed
        self._numbers = itertools.count()
        self._held: dict[int, InFlight] = {}
        self._heard = 0.0
        self._loop = asyncio.get_running_loop()
        # By method, what the model calls the columns of its answers.
        self._names: dict[str, list[str]] = {}
        # The process streams an answer, perhaps another server process's, and takes no call meanwhile.
        self._busy = False
        # How many of the calls that it holds are answered in parts.
        self._streams = 0

    @property
    def held(self) -> int:
        """The number of batches in flight."""
        return len(self._held)

    @property
    def load(self) -> float:
        """The number of batches ahead of a new one; infinite while the process streams."""
        return math.inf if self._busy or self._streams else len(self._held)

    def silent(self, now: float) -> float:
        """Return the seconds since an answer is due and no frame came, per call of the batch that the process runs.

        A batch may take as long as its calls one after the other.
        """
        since, calls = self._owed
        return (now - max(since, self._heard)) / calls if calls else 0.0

    @property
    def owed(self) -> int:
        """How many calls the batch has that the process runs."""
        return self._owed[1]

    @property
    def _owed(self) -> tuple[float, int]:
        """Since when the first answer is due, and to how many calls."""
        owing = [(held.awaited, len(held.calls)) for held in self._held.values()]
        return min(((since, calls) for since, calls in owing if since is not None), default=(0.0, 0))

    def call(self, calls: list[Call]) -> None:
        """Send a batch."""
        number = next(self._numbers)
        try:
            self.send({**calls[0].header, "id": number}, concatenated(calls))
        except Exception as error:  # noqa: BLE001  it is the calls', which tell of it
            # Nothing of it was sent: what holds no place here must not keep one from others.
            refused = error
            if isinstance(error, RecursionError | ValueError):
                refused = BadData(
                    f"the request cannot be handed to the model: {error}; nest its lists and objects less"
                )
            for call in calls:
                call.answer.set_exception(refused)
            return
        held = self._held[number] = InFlight(calls, self._loop.time())
        if calls[0].stream is not None:
            self._streams += 1
            held.asked = AHEAD
            calls[0].stream.ask = functools.partial(self._ask, number)

    def drop(self, call: Call) -> None:
        """Cancel a call: if the process has not started its batch, it does not run it."""
        for number, held in self._held.items():
            if call in held.calls:
                if held.cancelled is None and all(each.answer.done() for each in held.calls):
                    held.cancelled = self._loop.time()
                    self.send({CANCEL: number}, [])
                return

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Hand an answer, or a part of one, to its calls."""
        self._heard = self._loop.time()
        event = header.get("event")
        if event == "names":
            self._names = _names(header.get("names"))
        elif event == "turn":
            return  # A sign of life while the process answers other connections.
        elif event in ("busy", "free"):
            self._busy = event == "busy"
        else:
            number = header.get("id")
            held = self._held.get(number) if type(number) is int else None
            if number is None or held is None:
                raise BadFrame(f"it answers call {number!r}, which it does not have: {event!r}")
            if event == "part":
                self._part(held, values)
                return
            self._end(number, held, event, header, values)
        self._answered()

    def broken(self, why: str) -> None:
        """Report a process that violates the protocol."""
        self._failed(self, f"it broke the rules of its connection to the server: {why}")

    def fail(self, why: str) -> None:
        """Fail all calls in flight with the reason, and close."""
        self.abort()
        self._over(KILLED.format(why=why))

    def ended(self) -> None:
        """Fail all calls in flight: the process has ended."""
        if self.open:
            self._over(ENDED)

    def _over(self, message: str) -> None:
        self.open = False
        for held in self._held.values():
            for call in held.calls:
                if not call.answer.done():
                    call.answer.set_exception(NotReady(message))
        self._held.clear()
        self._left()

    def _ask(self, number: int) -> None:
        """Ask for one more part of a stream."""
        held = self._held.get(number)
        if held is not None:
            held.asked += 1
            self.send({MORE: number}, [])

    def _settle(self, calls: list[Call], result: Result) -> None:
        parts = split_result(calls, result)
        if parts is None:
            self._retry(calls)
            return
        for call, part in zip(calls, parts, strict=True):
            if not call.answer.done():
                call.answer.set_result(part)

    def _end(
        self, number: int, held: InFlight, event: Any, header: dict[str, Any], values: list[Any]
    ) -> None:
        """End a call."""
        calls = held.calls
        in_parts = calls[0].stream is not None
        if event == "result" and len(values) == 1 and not in_parts:
            own = header.get("names")
            result = Result(
                values[0],
                None if own is None else _texts(own),
                self._names.get(calls[0].header["method"]),
            )
            del self._held[number]
            self._settle(calls, result)
            return
        if event == "error" and _is_text(header.get("type")) and _is_text(header.get("message")):
            error: ServerError = ModelFailed(f"{header['type']}: {header['message']}")
            if header.get("refused") is True:
                error = BadData(f"the model cannot take the request: {header['message']}")
            del self._held[number]
            self._fail(calls, error)
        elif event == "refused":
            del self._held[number]
            self._requeue(calls)
        elif event == "end" and in_parts:
            del self._held[number]
            if not calls[0].answer.done():
                calls[0].answer.set_result(Result(None, None))
        elif event == "cancelled" and held.cancelled is not None:
            del self._held[number]
        else:
            raise BadFrame(f"it answers call {number} by {event!r} and {len(values)} values")
        self._streams -= in_parts

    @staticmethod
    def _part(held: InFlight, values: list[Any]) -> None:
        (call,) = held.calls
        if call.stream is None or len(values) != 1 or held.asked <= 0:
            raise BadFrame("it sends a part of an answer that nobody has asked for")
        held.asked -= 1
        if not call.answer.done():
            call.stream.add(values[0])

    def _fail(self, calls: list[Call], error: ServerError) -> None:
        if len(calls) > 1:
            self._retry(calls)  # One of them did it, and shall be the only one to hear of it.
        elif not calls[0].answer.done():
            calls[0].answer.set_exception(error)


def _names(said: Any) -> dict[str, list[str]]:
    if not isinstance(said, dict):
        raise BadFrame(f"it says {said!r} of the names of its columns")
    return {method: _texts(names) for method, names in said.items()}


def _texts(said: Any) -> list[str]:
    if not isinstance(said, list) or not all(map(_is_text, said)):
        raise BadFrame(f"it calls columns {said!r:.100}, which are no names")
    return said


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
