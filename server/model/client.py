"""The client of the model: admission, queue, dispatch of batches, deadlines, and the watchdog of its processes."""

from __future__ import annotations

import asyncio
import functools
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextvars import Context
from typing import Any

from server.errors import DeadlineExceeded, NotReady, Overloaded
from server.ipc.wire import LARGEST
from server.model.batcher import AHEAD, Batcher, Call, Deadlines, Result, Stream, rows
from server.model.connection_pool import BusyPoller, ConnectionPool
from server.model.readiness import Readiness
from server.model.worker_connection import ENDED, MAX_IN_FLIGHT, WorkerConnection
from server.shared_state import SharedCounter
from server.telemetry.call_record import CallRecord, Telemetry, current
from server.telemetry.labels import EndReason

# Before an unresponsive process counts as hung, the event loop gets so long to read what it may have sent.
RECHECK_SECONDS = 0.1
# Called with the pid of a process that must be killed, why, and which of the reasons of EndReason that is.
Report = Callable[[int, str, str], None]

ENDS = "the server ends: send the request again"
NOT_LOADED = "the model is not loaded; send the request again when /health/status answers 200"


class ModelClient:
    """The calls that one process of the server makes of the model, and its connections to the model's processes.

    No delay is added to fill a batch: it holds what came in while the model was busy, and what the event loop found
    together with it. A batch costs the model's process as much as a call: the fewer, the better.

    Args:
        max_rows: how many rows a batch may have.
        max_queued: how many calls may be queued, in all processes of the server.
        seconds: how long a call may take.
        waiting: the queued calls, counted over all processes of the server.
        spin: how long to busy-poll for an answer, in seconds.
        grace: seconds beyond the deadline after which an unresponsive model process counts as hung.
        largest: how many bytes an answer of the model's process may have.
        server_processes: how many processes of the server send batches all the time.
        telemetry: is told of batches.
        puids: whether the model's process is told the ids of the predictions that it computes.
    """

    def __init__(
        self,
        max_rows: int,
        max_queued: int,
        seconds: float,
        waiting: SharedCounter,
        spin: float = 0,
        *,
        grace: float | None = None,
        largest: int = LARGEST,
        server_processes: int = 1,
        telemetry: Telemetry | None = None,
        puids: bool = False,
    ) -> None:
        self._telemetry = telemetry or Telemetry()
        self.readiness = Readiness()
        # Why the model is not loaded, where it was before.
        self.why = ""
        # Set by the supervisor.
        self.report: Report = lambda pid, why, reason: None
        self._largest = largest
        self._puids = puids
        self._unresponsive_seconds = seconds + (seconds if grace is None else grace)
        self._watching: asyncio.TimerHandle | None = None
        self._max_queued = max_queued
        self._seconds = seconds
        self._queued_calls = waiting
        # With several server processes the model's next batch is another's: one in flight is enough.
        self._connections = ConnectionPool(MAX_IN_FLIGHT if server_processes == 1 else 1)
        self._batcher = Batcher(max_rows)
        self._dispatch_scheduled = False
        self._deadlines = Deadlines(seconds, self._expire)
        self._busy_poller = BusyPoller(spin, lambda: self._connections.awaited)
        self._streams: set[Call] = set()
        self._methods: dict[str, str] = {}
        self._batched: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        """Whether the model can be called."""
        return bool(self.readiness)

    @property
    def processes(self) -> int:
        """How many processes of the model can be called."""
        return len(self._connections)

    async def add(
        self, sock: socket.socket, methods: dict[str, str], batched: Iterable[str], pid: int = 0
    ) -> None:
        """Add a connection to a process of the model.

        Args:
            sock: the connected socket.
            pid: the process's id.
            methods: the model's method by the node's role.
            batched: the methods whose calls may be answered together.
        """
        self._methods = methods
        self._batched = frozenset(batched)
        connection = WorkerConnection(
            sock,
            pid,
            retry=self._batcher.halve,
            requeue=self._batcher.requeue,
            answered=self._answered,
            left=self._left,
            failed=functools.partial(self._failed, reason=EndReason.PROTOCOL),
            telemetry=self._telemetry,
            largest=self._largest,
            puids=self._puids,
        )
        await asyncio.get_running_loop().create_unix_connection(lambda: connection, sock=sock)
        if connection.open:  # Its process may have gone already.
            self._connections.add(connection)
            self.why = ""
            self.readiness.set(True)
            self._dispatch_soon()

    def end(self, pid: int) -> None:
        """Drop the connections to a process that has ended, and fail its calls."""
        self._connections.end(pid)

    async def call(self, role: str, header: dict[str, Any], values: list[Any]) -> Result:
        """Call the model's method for ``role`` once.

        Raises:
            NotReady: the model is not loaded (yet, or again), or its process died during the call.
            ModelFailed: the model raised.
            Overloaded: too many calls wait.
            DeadlineExceeded: it has taken too long.
        """
        if not self._connections:
            raise NotReady(NOT_LOADED)
        self.admit()
        method = self._methods[role]
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        count = rows(header, values) if method in self._batched else 0
        call = Call({**header, "method": method}, values, answer, count, record=_queued(values))
        self._queued_calls.add(1)
        self._deadlines.add(call)
        self._batcher.add(call)
        try:
            self._dispatch_soon()
            return await answer
        except asyncio.CancelledError:
            answer.cancel()
            self._drop(call)
            raise
        finally:
            self._deadlines.remove(call)
            self._queued_calls.add(-1)

    async def stream(self, role: str, header: dict[str, Any], values: list[Any]) -> AsyncGenerator[Any, None]:
        """Call the model's method for ``role`` once, and yield the parts of its answer as it makes them.

        It makes a few more than are taken, then it waits. The time of the deadline counts for each part, while it is
        awaited. When the generator is closed, so is the model's.

        Raises:
            NotReady, ModelFailed, Overloaded, DeadlineExceeded: as ``call``, at any part.
        """
        if not self._connections:
            raise NotReady(NOT_LOADED)
        self.admit()
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        stream = Stream()
        header = {**header, "method": self._methods[role], "ahead": AHEAD}
        call = Call(header, values, answer, stream=stream, record=_queued(values))
        answer.add_done_callback(stream.end)
        self._queued_calls.add(1)
        self._streams.add(call)
        self._batcher.add(call)
        try:
            self._dispatch_soon()
            while True:
                while stream:
                    yield stream.take()
                if answer.done():
                    answer.result()
                    return
                self._deadlines.add(call)
                await stream.changed()
                self._deadlines.remove(call)
        finally:
            self._deadlines.remove(call)
            self._streams.discard(call)
            self._queued_calls.add(-1)
            if not answer.done():
                answer.cancel()
                self._drop(call)
            elif not answer.cancelled():
                answer.exception()  # Whoever left before does not ask for it.

    def end_streams(self) -> None:
        """End streamed answers with NotReady: the server is draining."""
        for call in self._streams:
            if not call.answer.done():
                call.answer.set_exception(NotReady(ENDS))
                self._drop(call)

    def admit(self) -> None:
        """Admit one more call to the queue, or shed it.

        Raises:
            Overloaded: too many wait.
        """
        if self._queued_calls.total >= self._max_queued:
            raise Overloaded(
                f"{self._max_queued} requests wait for the model: no more may; send the request again later, or raise "
                "SERVER_QUEUE_CALLS"
            )

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _expire(self, call: Call) -> None:
        if not call.answer.done():
            call.answer.set_exception(
                DeadlineExceeded(
                    f"the model has not answered in {self._seconds:g} seconds: send fewer rows or requests at a time, or "
                    "raise SERVER_DEADLINE_SECONDS"
                )
            )
            self._drop(call)

    def _drop(self, call: Call) -> None:
        """Cancel a call whose answer is not awaited any more."""
        self._batcher.remove(call)
        self._connections.drop(call)

    def _answered(self) -> None:
        """Dispatch the next batch, after clients that were just answered could send their next request."""
        self._busy_poller.end()
        self._dispatch_soon()

    def _left(self) -> None:
        """Remove the connection of a process that has ended."""
        self._connections.leave()
        if not self._connections:
            self._lost()
        self._answered()

    def _dispatch_soon(self) -> None:
        """Dispatch at the end of this iteration of the event loop."""
        if not self._dispatch_scheduled:
            self._dispatch_scheduled = True
            # It is no single call's: what it does and logs belongs to none.
            asyncio.get_running_loop().call_soon(self._dispatch_now, context=Context())

    def _dispatch_now(self) -> None:
        self._dispatch_scheduled = False
        self._dispatch()

    def _dispatch(self) -> None:
        """Send batches to the least loaded processes."""
        while (connection := self._connections.least_loaded()) and (batch := self._batcher.take()):
            connection.call(batch)
        if self._connections.awaited:
            self._busy_poller.begin()
            if self._watching is None:
                self._watch(self._unresponsive_seconds)

    def _watch(self, seconds: float) -> None:
        self._watching = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        """Watchdog: find hung processes; frames that they sent meanwhile are read first."""
        self._watching = None
        if not self._connections.awaited:
            return
        now = asyncio.get_running_loop().time()
        unresponsive = self._connections.unresponsive(now, self._unresponsive_seconds)
        if unresponsive:
            self._watching = asyncio.get_running_loop().call_later(
                RECHECK_SECONDS, self._confirm, unresponsive
            )
        else:
            self._watch(
                max(self._unresponsive_seconds - self._connections.longest_unresponsive(now), RECHECK_SECONDS)
            )

    def _confirm(self, suspects: list[WorkerConnection]) -> None:
        now = asyncio.get_running_loop().time()
        self._watch(self._unresponsive_seconds)
        for connection in suspects:
            if connection.open and connection.unresponsive_seconds(now) >= self._unresponsive_seconds:
                seconds = self._unresponsive_seconds * connection.running_calls
                self._failed(
                    connection, f"it has not answered for {seconds:g} seconds", reason=EndReason.HUNG
                )

    def _failed(self, connection: WorkerConnection, why: str, *, reason: str) -> None:
        """Fail the calls of a process that hangs or violates the protocol, and have it killed."""
        self.why = f"the model's process is killed, since {why}"
        connection.fail(why)
        self.report(connection.pid, why, reason)

    def _lost(self) -> None:
        self.why = self.why or "the model's process ended"
        self.readiness.set(False)
        for call in self._batcher.clear():
            call.answer.set_exception(NotReady(ENDED))


def _queued(values: list[Any]) -> CallRecord | None:
    """Return the record of the call that this task answers, which waits for the model from now on."""
    record = current()
    if record is not None:
        record.queued = time.perf_counter()
        record.rows = len(values[0]) if values and hasattr(values[0], "__len__") else 0
    return record
