"""The connection to one process of the model: batches in flight, their answers, streams and cancellation."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import math
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.errors import BadData, ModelFailed, NotReady, ServerError
from server.ipc.wire import CANCEL, LARGEST, MORE, PUIDS, BadFrame
from server.model.batcher import AHEAD, Call, Result, concatenated, split_result
from server.model.frame_protocol import FrameProtocol
from server.telemetry.call_record import Telemetry
from server.telemetry.log_lines import FIELDS, TRACEBACK, call_fields, escaped, log_error

# Batches in flight: the one that the process runs, and the next, so that it never idles between two.
MAX_IN_FLIGHT = 2

log = logging.getLogger(__name__)

ENDED = "the model's process ended before it answered; it is being started again: send the request again"
KILLED = "the model's process is killed, since {why}; it is being started again: send the request again"


@dataclass(slots=True)
class InFlight:
    """A batch in flight.

    ``since`` is when it was sent, ``window`` how many parts of a stream the process may send, and ``cancelled`` when its
    cancellation was sent, which the process acknowledges.
    """

    calls: list[Call]
    since: float
    window: int = 0
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
        telemetry: is told of batches.
        puids: whether the process is told the ids of the predictions that it computes.
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
        telemetry: Telemetry | None = None,
        puids: bool = False,
    ) -> None:
        super().__init__(largest)
        self._telemetry = telemetry or Telemetry()
        self.sock = sock
        self._puids = puids
        self.pid = pid
        self.open = True
        self._retry = retry
        self._requeue = requeue
        self._answered = answered
        self._left = left
        self._failed = failed
        self._numbers = itertools.count()
        self._held: dict[int, InFlight] = {}
        self._last_frame = 0.0
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

    def unresponsive_seconds(self, now: float) -> float:
        """Return the seconds since an answer is due and no frame came, per call of the batch that the process runs.

        A batch may take as long as its calls one after the other.
        """
        since, calls = self._due
        return (now - max(since, self._last_frame)) / calls if calls else 0.0

    @property
    def running_calls(self) -> int:
        """How many calls the batch has that the process runs."""
        return self._due[1]

    @property
    def _due(self) -> tuple[float, int]:
        """Since when the first answer is due, and to how many calls."""
        due = [(held.awaited, len(held.calls)) for held in self._held.values()]
        return min(((since, calls) for since, calls in due if since is not None), default=(0.0, 0))

    def call(self, calls: list[Call]) -> None:
        """Send a batch."""
        number = next(self._numbers)
        try:
            header = {**calls[0].header, "id": number}
            if self._puids:
                header[PUIDS] = [call.record.puid for call in calls if call.record is not None]
            self.send(header, concatenated(calls))
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
        self._note_sent(calls)
        if calls[0].stream is not None:
            self._streams += 1
            held.window = AHEAD
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
        self._last_frame = self._loop.time()
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
            self._telemetry.batch_sent(-len(held.calls))
        self._held.clear()
        self._left()

    def _ask(self, number: int) -> None:
        """Ask for one more part of a stream."""
        held = self._held.get(number)
        if held is not None:
            held.window += 1
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
                _tags(header.get("tags")),
                _metrics(header.get("metrics")),
            )
            self._note_answered(calls, header.get("seconds", 0.0))
            self._remove(number)
            self._settle(calls, result)
            return
        if event == "error" and _is_text(header.get("type")) and _is_text(header.get("message")):
            traceback: Any = header.get("traceback")
            error: ServerError = ModelFailed(
                f"{header['type']}: {header['message']}", traceback if _is_text(traceback) else ""
            )
            if header.get("refused") is True:
                error = BadData(f"the model cannot take the request: {header['message']}")
            self._note_answered(calls, header.get("seconds", 0.0))
            self._remove(number)
            self._fail(calls, error)
        elif event == "refused":
            self._remove(number)
            self._requeue(calls)
        elif event == "end" and in_parts:
            self._note_answered(calls, header.get("seconds", 0.0))
            self._remove(number)
            if not calls[0].answer.done():
                calls[0].answer.set_result(Result(None, None))
        elif event == "cancelled" and held.cancelled is not None:
            self._remove(number)
        else:
            raise BadFrame(f"it answers call {number} by {event!r} and {len(values)} values")
        self._streams -= in_parts

    def _remove(self, number: int) -> None:
        """Remove a batch, which the process has no more."""
        self._telemetry.batch_sent(-len(self._held.pop(number).calls))

    def _note_sent(self, calls: list[Call]) -> None:
        """Note when the calls were sent, and what they were sent with."""
        now, records = time.perf_counter(), [call.record for call in calls if call.record is not None]
        rows = sum(record.rows for record in records)
        spans = [record.span for record in records if record.span is not None]
        for record in records:
            record.sent, record.batch_calls, record.batch_rows = now, len(calls), rows
            record.batch_spans = spans
        self._telemetry.batch_sent(len(calls))

    def _note_answered(self, calls: list[Call], seconds: Any) -> None:
        """Note when the calls were answered, and how long the model took for them."""
        if type(seconds) is not float or not 0 <= seconds < math.inf:
            raise BadFrame(f"the time that the model took is no number of seconds: {seconds!r:.100}")
        now = time.perf_counter()
        for call in calls:
            if call.record is not None:
                call.record.answered, call.record.model_seconds = now, seconds
        first = calls[0].record
        rows = sum(call.rows for call in calls) if first is None else first.batch_rows
        self._telemetry.batch_answered(len(calls), rows, seconds)

    @staticmethod
    def _part(held: InFlight, values: list[Any]) -> None:
        (call,) = held.calls
        if call.stream is None or len(values) != 1 or held.window <= 0:
            raise BadFrame("it sends a part of an answer that exceeds the window of its stream")
        held.window -= 1
        if not call.answer.done():
            call.stream.add(values[0])

    def _fail(self, calls: list[Call], error: ServerError) -> None:
        if len(calls) > 1:
            # One of them did it, and shall be the only one to hear of it.
            if isinstance(error, ModelFailed):
                said = "the model fails for %d calls together, and is called with fewer of them: %s"
                puids = " ".join(call.record.puid for call in calls if call.record is not None)
                fields = {FIELDS: {"puid": escaped(puids)}, TRACEBACK: error.traceback}
                log.warning(said, len(calls), error, extra=fields)
            self._retry(calls)
        elif not calls[0].answer.done():
            calls[0].answer.set_exception(error)
        elif error.is_fault:  # Nobody waits for the answer any more.
            log_error(log, error, call_fields(calls[0].record))


def _names(value: Any) -> dict[str, list[str]]:
    if not isinstance(value, dict):
        raise BadFrame(f"its names of columns are no object: {value!r:.100}")
    return {method: _texts(names) for method, names in value.items()}


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(map(_is_text, value)):
        raise BadFrame(f"its names of columns are no list of strings: {value!r:.100}")
    return value


def _tags(value: Any) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise BadFrame(f"its model's tags are no object: {value!r:.100}")
    return value


def _metrics(value: Any) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(map(_is_metric, value)):
        raise BadFrame(f"its model's metrics are no list of metrics: {value!r:.100}")
    return value


def _is_metric(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _is_text(value.get("key"))
        and value.get("type") in ("COUNTER", "GAUGE", "TIMER")
        and type(value.get("value")) in (int, float)
        and isinstance(value.get("tags", {}), dict)
        and all(map(_is_text, value.get("tags", {}).values()))
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
