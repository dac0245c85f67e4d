"""The model as one edge calls it: channels to its processes, and the calls that wait for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Any

from server.errors import DeadlineExceeded, NotReady, Overloaded
from server.model.batch import Call, Result, rows
from server.model.channel import ENDED, HELD, Channel
from server.model.deadlines import Deadlines
from server.model.pool import Pool
from server.model.readiness import Readiness
from server.model.spinning import Spinning
from server.model.stream import AHEAD, Stream
from server.model.waiting import Waiting
from server.model.worker.wire import LARGEST
from server.shared_counter import SharedCounter

# How long the answer of a process that seems to hang may lie in its socket before the event loop takes it.
AGAIN_SECONDS = 0.1
# Is told the process id of one that must be killed, and why.
Report = Callable[[int, str], None]

ENDS = "the server ends: send the request again"
NOT_LOADED = "the model is not loaded; send the request again when /health/status answers 200"


class Channels:
    """The calls that one edge makes of the model, and the channels to its processes.

    Nothing is waited for to fill a batch: it holds what came in while the model was busy, and what the event loop found
    together with it. A batch costs the model's process as much as a call: the fewer, the better.

    Args:
        most_rows: how many rows a batch may have.
        most_waiting: how many calls may wait, in all processes of the server.
        seconds: how long a call may take.
        waiting: counts the calls that wait, in all processes of the server.
        spin: how long to look for an answer before sleeping, in seconds.
        grace: how many seconds beyond a call's the model's process may say nothing before it is taken to hang.
        largest: how many bytes an answer of the model's process may have.
        edges: how many processes of the server send batches all the time.
    """

    def __init__(
        self,
        most_rows: int,
        most_waiting: int,
        seconds: float,
        waiting: SharedCounter,
        spin: float = 0,
        *,
        grace: float | None = None,
        largest: int = LARGEST,
        edges: int = 1,
    ) -> None:
        self.readiness = Readiness()
        # Why the model is not loaded, where it was before.
        self.why = ""
        # Whoever rules the model's processes puts itself here.
        self.report: Report = lambda pid, why: None
        self._largest = largest
        self._silence_seconds = seconds + (seconds if grace is None else grace)
        self._watching: asyncio.TimerHandle | None = None
        self._most_waiting = most_waiting
        self._seconds = seconds
        self._waiting_calls = waiting
        # Where several processes send batches, the model has the next one from another of them.
        self._pool = Pool(HELD if edges == 1 else 1)
        self._waiting = Waiting(most_rows)
        self._passing = False
        self._deadlines = Deadlines(seconds, self._expire)
        self._spinning = Spinning(spin, lambda: self._pool.awaited)
        self._streams: set[Call] = set()
        self._methods: dict[str, str] = {}
        self._batched: frozenset[str] = frozenset()

    @property
    def ready(self) -> bool:
        """Whether the model can be called."""
        return bool(self.readiness)

    async def add(
        self, sock: socket.socket, methods: dict[str, str], batched: Iterable[str], pid: int = 0
    ) -> None:
        """Take a socket to a process of the model.

        Args:
            sock: the connected socket.
            pid: the process's id.
            methods: by what is asked of the node, the model's method.
            batched: the methods whose calls may be answered together.
        """
        self._methods = methods
        self._batched = frozenset(batched)
        channel = Channel(
            sock,
            pid,
            retry=self._waiting.halve,
            again=self._waiting.again,
            answered=self._answered,
            left=self._left,
            failed=self._failed,
            largest=self._largest,
        )
        await asyncio.get_running_loop().create_unix_connection(lambda: channel, sock=sock)
        if channel.open:  # Its process may have gone already.
            self._pool.add(channel)
            self.why = ""
            self.readiness.set(True)
            self._pass_on_soon()

    async def call(self, role: str, header: dict[str, Any], values: list[Any]) -> Result:
        """Call the model's method for ``role`` once.

        Raises:
            NotReady: the model is not loaded (yet, or again), or its process died during the call.
            ModelFailed: the model raised.
            Overloaded: too many calls wait.
            DeadlineExceeded: it has taken too long.
        """
        if not self._pool:
            raise NotReady(NOT_LOADED)
        self.admit()
        method = self._methods[role]
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        count = rows(header, values) if method in self._batched else 0
        call = Call({**header, "method": method}, values, answer, count)
        self._waiting_calls.add(1)
        self._deadlines.add(call)
        self._waiting.add(call)
        try:
            self._pass_on_soon()
            return await answer
        except asyncio.CancelledError:
            answer.cancel()
            self._drop(call)
            raise
        finally:
            self._deadlines.remove(call)
            self._waiting_calls.add(-1)

    async def stream(self, role: str, header: dict[str, Any], values: list[Any]) -> AsyncGenerator[Any, None]:
        """Call the model's method for ``role`` once, and yield the parts of its answer as it makes them.

        It makes a few more than are taken, then it waits. The time of the deadline counts for each part, while it is
        awaited. When the generator is closed, so is the model's.

        Raises:
            NotReady, ModelFailed, Overloaded, DeadlineExceeded: as ``call``, at any part.
        """
        if not self._pool:
            raise NotReady(NOT_LOADED)
        self.admit()
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        stream = Stream()
        header = {**header, "method": self._methods[role], "ahead": AHEAD}
        call = Call(header, values, answer, stream=stream)
        answer.add_done_callback(stream.end)
        self._waiting_calls.add(1)
        self._streams.add(call)
        self._waiting.add(call)
        try:
            self._pass_on_soon()
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
            self._waiting_calls.add(-1)
            if not answer.done():
                answer.cancel()
                self._drop(call)
            elif not answer.cancelled():
                answer.exception()  # Whoever left before does not ask for it.

    def end_streams(self) -> None:
        """End the answers that come in parts: the server ends."""
        for call in self._streams:
            if not call.answer.done():
                call.answer.set_exception(NotReady(ENDS))
                self._drop(call)

    def admit(self) -> None:
        """Return if one more call may wait.

        Raises:
            Overloaded: too many wait.
        """
        if self._waiting_calls.total >= self._most_waiting:
            raise Overloaded(
                f"{self._most_waiting} requests wait for the model: no more may; send the request again later, or raise "
                "SERVER_QUEUE_CALLS"
            )

    def close(self) -> None:
        """Close every channel."""
        self._pool.close()

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
        """Forget a call whose answer nobody awaits any more."""
        self._waiting.remove(call)
        self._pool.drop(call)

    def _answered(self) -> None:
        """Send what waits, which is more when those that were answered have asked again."""
        self._spinning.end()
        self._pass_on_soon()

    def _left(self) -> None:
        """Take notice that a process is gone."""
        self._pool.leave()
        if not self._pool:
            self._lost()
        self._answered()

    def _pass_on_soon(self) -> None:
        """Send what waits when the event loop has taken in all that it found."""
        if not self._passing:
            self._passing = True
            asyncio.get_running_loop().call_soon(self._passed_on)

    def _passed_on(self) -> None:
        self._passing = False
        self._pass_on()

    def _pass_on(self) -> None:
        """Send what waits to whichever process has the most room."""
        while (channel := self._pool.with_room()) and (batch := self._waiting.take()):
            channel.call(batch)
        if self._pool.awaited:
            self._spinning.begin()
            if self._watching is None:
                self._watch(self._silence_seconds)

    def _watch(self, seconds: float) -> None:
        self._watching = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        """Find the processes that hang; what they have said meanwhile is taken first."""
        self._watching = None
        if not self._pool.awaited:
            return
        now = asyncio.get_running_loop().time()
        silent = self._pool.silent(now, self._silence_seconds)
        if silent:
            self._watching = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._confirm, silent)
        else:
            self._watch(max(self._silence_seconds - self._pool.longest_silence(now), AGAIN_SECONDS))

    def _confirm(self, suspects: list[Channel]) -> None:
        now = asyncio.get_running_loop().time()
        self._watch(self._silence_seconds)
        for channel in suspects:
            if channel.open and channel.silent(now) >= self._silence_seconds:
                seconds = self._silence_seconds * channel.owed
                self._failed(channel, f"it has not answered for {seconds:g} seconds")

    def _failed(self, channel: Channel, why: str) -> None:
        """Give up a process that does what it must not, and have it killed."""
        self.why = f"the model's process is killed, since {why}"
        channel.fail(why)
        self.report(channel.pid, why)

    def _lost(self) -> None:
        self.why = self.why or "the model's process ended"
        self.readiness.set(False)
        for call in self._waiting.clear():
            call.answer.set_exception(NotReady(ENDED))
