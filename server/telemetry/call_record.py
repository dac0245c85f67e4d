"""The traceparent header of a request: which trace it belongs to.

Format: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from server.errors import ServerError

HEADER = "traceparent"
# A later version may have more behind the flags, after a dash.
_FORMAT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?", re.ASCII)
_SAMPLED = 0x01
# The code of a call whose client has left before it was answered, as gRPC and nginx have it.
LEFT = {"grpc": "CANCELLED", "rest": "499"}


class TraceParent(NamedTuple):
    """The span of the client that a request belongs to: ids in hexadecimal, and whether the client records it."""

    trace_id: str
    span_id: str
    sampled: bool


def trace_parent(header: str) -> TraceParent | None:
    """Return what a traceparent header says, or None where it is not valid, as if there were none."""
    found = _FORMAT.fullmatch(header.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


class Payload(NamedTuple):
    """A body and its content type."""

    content: bytes
    content_type: str


@dataclass(slots=True, eq=False, repr=False)
class CallRecord:
    """A call of the REST or gRPC interface.

    Args:
        interface: "rest" or "grpc".
        method: the route's path or the gRPC method's, or "" where there is none such: nothing that a client chooses.
        client: the client's address.
        headers: of the request, or its metadata; the names are in lower case.
        began_ns: when it began, in nanoseconds since the epoch.
        began, queued, sent, answered, ended: by ``time.perf_counter``, in seconds, 0.0 where it came not so far: when it began,
            waited for the model, was sent to its process, was answered by it, and was answered.
        request_bytes, response_bytes: sizes of the bodies.
        code: of HTTP, such as "200", or gRPC, such as "OK"; until it is answered the one of a client that has left.
        error: why it is no 200 or OK.
        puid: the prediction's id.
        rows: of its argument, or 0 where that has none.
        batch_calls, batch_rows: how many calls and rows the model was called with.
        model_seconds: how long that call of the model took, in its process.
        http_method, path: what the client has called, as it has written them: for lines of the log alone. By gRPC ``path`` is
            the method's.
        predicts, feeds_back: whether it is a prediction, or feedback to one, that could be read.
        parent: the client's span that the call belongs to.
        trace_id: in hexadecimal, or "" where it belongs to no trace.
        span: of the call, where it is traced (server.telemetry.tracing).
        batch_spans: the spans of the calls that the model was called with, where they are traced.
        request, response: the bodies, where somebody wants them (``Telemetry.keeps_payloads``).
    """

    interface: str
    method: str
    client: str
    headers: Mapping[str, str]
    began_ns: int
    began: float
    request_bytes: int = 0
    response_bytes: int = 0
    queued: float = 0.0
    sent: float = 0.0
    answered: float = 0.0
    ended: float = 0.0
    code: str = ""
    error: ServerError | None = None
    puid: str = ""
    rows: int = 0
    batch_calls: int = 0
    batch_rows: int = 0
    model_seconds: float = 0.0
    http_method: str = ""
    path: str = ""
    predicts: bool = False
    feeds_back: bool = False
    parent: TraceParent | None = None
    trace_id: str = ""
    span: Any = None
    batch_spans: Sequence[Any] = ()
    request: Payload | None = None
    response: Payload | None = None

    @property
    def seconds(self) -> float:
        """How long the call took."""
        return self.ended - self.began

    @property
    def queue_seconds(self) -> float:
        """How long it waited for the model: in the server's queue, and in the queue of the model's process."""
        if not self.queued:
            return 0.0
        if not self.sent or self.answered < self.sent:
            return (self.ended or time.perf_counter()) - self.queued
        return max(self.sent - self.queued, self.answered - self.queued - self.model_seconds)


class Observer(Protocol):
    """What is told of calls; it neither raises nor blocks."""

    def began(self, record: CallRecord) -> None:
        """Take note that a call has begun."""

    def ended(self, record: CallRecord) -> None:
        """Take note that a call has ended: nothing of the record changes any more."""


class BatchObserver(Protocol):
    """What is told of batches, which calls are sent to the model's process in; it neither raises nor blocks."""

    def sent(self, calls: int) -> None:
        """Take note of so many more calls, or fewer where it is negative, that the model's process has."""

    def answered(self, calls: int, rows: int, seconds: float) -> None:
        """Take note that the model has answered a batch of so many calls and rows, which took it so long."""

    def model_metrics(self, metrics: list[dict[str, Any]], role: str) -> None:
        """Take note of metrics that a custom Python model has returned with its answer in a role (server.worker.result)."""


_current: ContextVar[CallRecord | None] = ContextVar("call_record", default=None)


def current() -> CallRecord | None:
    """Return the record of the call that this task answers."""
    return _current.get()


def identify(puid: str) -> str:
    """Note the id of the prediction that this task answers, and return it."""
    record = _current.get()
    if record is not None:
        record.puid = puid
        record.predicts = True
    return puid


def identify_feedback(puid: str) -> None:
    """Note the id of the prediction that this task takes feedback to."""
    record = _current.get()
    if record is not None:
        record.puid = puid
        record.feeds_back = True


def forget() -> None:
    """Let this task belong to no call: one that answers several has none between two of them."""
    _current.set(None)


class Telemetry:
    """Begins and ends the records of a process's calls, and tells its observers of them.

    ``keeps_payloads`` is whether records shall have the bodies.
    """

    def __init__(self) -> None:
        self.observers: list[Observer] = []
        self.batch_observers: list[BatchObserver] = []
        self.keeps_payloads = False

    def begin(
        self,
        interface: str,
        method: str,
        client: str,
        headers: Mapping[str, str],
        request_bytes: int = 0,
        *,
        http_method: str = "",
        path: str = "",
    ) -> CallRecord:
        """Return the record of a call that begins; it is the current one of this task from now on."""
        record = CallRecord(
            interface,
            method,
            client,
            headers,
            time.time_ns(),
            time.perf_counter(),
            request_bytes,
            code=LEFT.get(interface, ""),
        )
        record.http_method, record.path = http_method, path
        if HEADER in headers:
            record.parent = trace_parent(headers[HEADER])
            record.trace_id = record.parent.trace_id if record.parent else ""
        _current.set(record)
        for observer in self.observers:
            observer.began(record)
        return record

    def end(self, record: CallRecord) -> None:
        """End the record of a call that is answered, or whose client has left."""
        record.ended = time.perf_counter()
        for observer in self.observers:
            observer.ended(record)
        # Timers may hold the context of a call for long.
        record.request = record.response = None

    def refuse(self, interface: str, error: ServerError, client: str = "") -> None:
        """Tell of a call that the transport refuses: what has come of it is no call of any method yet."""
        record = self.begin(interface, "", client, {})
        record.error = error
        record.code = str(error.status) if interface == "rest" else error.grpc
        self.end(record)
        forget()

    def model_metrics(self, metrics: list[dict[str, Any]], role: str) -> None:
        """Tell of metrics that a custom Python model has returned with its answer in a role."""
        for observer in self.batch_observers:
            observer.model_metrics(metrics, role)

    def batch_sent(self, calls: int) -> None:
        """Tell of so many more calls, or fewer where it is negative, that the model's process has."""
        for observer in self.batch_observers:
            observer.sent(calls)

    def batch_answered(self, calls: int, rows: int, seconds: float) -> None:
        """Tell of a batch that the model has answered."""
        for observer in self.batch_observers:
            observer.answered(calls, rows, seconds)
