"""One call: a stream of HTTP/2 that bears messages and ends with a status.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from server.edges.connections import NEVER, SLOWEST
from server.edges.grpc.head import Head
from server.edges.grpc.messages import Messages, framed
from server.edges.grpc.status import ANSWER, TRAILERS, Code, NotGrpc, Refused, only_trailers, trailers
from server.edges.h2.codes import END_HEADERS, END_STREAM, HEADERS, ErrorCode, StreamError
from server.edges.h2.context import Context
from server.edges.h2.frames import frame
from server.edges.h2.stream import Stream
from server.errors import NotReady, ServerError, TooSlow

# The event loop takes no time that is much later, and no call takes as long.
LONGEST_SECONDS = 365 * 24 * 3600.0
_LAST = END_HEADERS | END_STREAM

log = logging.getLogger(__name__)


class Call(Stream):
    """One call, to which a subclass gives the method.

    Args:
        context: the parts of the connection that it came over.
        number: its stream's.
        head: what it asks for.
        limit: the largest message in bytes.
    """

    __slots__ = ("_got", "_headed", "_messages", "_over", "_task", "_timer", "context", "head")

    def __init__(self, context: Context, number: int, head: Head, limit: int) -> None:
        super().__init__(number)
        self.context = context
        self.head = head
        self._messages = Messages(limit, head.encoding)
        self._got = 0
        self._headed = self._over = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def take(self, messages: Sequence[bytes]) -> None:
        """Take what has come; ``ended`` tells whether it is all.

        Raises:
            ServerError: it is not what the method takes.
        """

    def begin(self) -> None:
        """Take the head."""
        head = self.head
        if not self.ended:
            self.deadline = self.context.within(self.context.shared.read_seconds)
        if head.refusal is not None:
            # What is no call of gRPC may be no request of HTTP/2 either, as the rest of it shows.
            if not isinstance(head.refusal, NotGrpc):
                self.fail(head.refusal)
        elif head.timeout is not None and head.timeout < LONGEST_SECONDS:
            self._timer = asyncio.get_running_loop().call_later(head.timeout, self._out_of_time)

    def received(self, data: bytes) -> None:
        """Take the next part of the body."""
        head = self.head
        self._got += len(data)
        if head.length is not None and (self._got > head.length or (self.ended and self._got < head.length)):
            raise StreamError(ErrorCode.PROTOCOL_ERROR, "the body is not as long as content-length says")
        if self.ended:
            self.deadline = NEVER
        else:
            self.deadline += len(data) / SLOWEST
        if head.refusal is not None:
            if self.ended or not self.window:  # The client waits for a window that it does not get.
                self.fail(head.refusal)
            return
        try:
            messages = self._messages.feed(data)
            missing = self._messages.missing
            if missing and self.ended:
                raise Refused(Code.INTERNAL, f"the request ends {missing} bytes before its message does")
            self.take(messages)
        except ServerError as error:
            self.fail(error)
            return
        if missing > self.window and not self._over:
            self.context.room.ask(self, missing)

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work of the method, which sends its answers; what it raises becomes the status."""
        self._task = asyncio.get_running_loop().create_task(self._run(work))

    def send(self, message: bytes, fields: bytes = b"", *, last: bool) -> bool:
        """Send a message, before the first one the head with ``fields``, after the last one the status.

        Return whether all of it is written; else ``sent`` is called when it is.
        """
        before = b""
        if not self._headed:
            self._headed = True
            before = frame(HEADERS, END_HEADERS, self.number, self.context.first() + ANSWER + fields)
        after = frame(HEADERS, _LAST, self.number, TRAILERS) if last else b""
        if self.context.output.send(self, before, framed(message), after):
            return True
        self.deadline = self.context.within(self.context.shared.read_seconds)
        return False

    def finish(self) -> None:
        """End with the status OK, after all messages."""
        fields = TRAILERS if self._headed else self.context.first() + ANSWER + TRAILERS
        self.context.output.write(frame(HEADERS, _LAST, self.number, fields))
        self.end()

    def fail(self, error: ServerError) -> None:
        """End with an error's status, and log what is not the client's doing."""
        if self._over:
            return
        if error.status >= 500 and not isinstance(error, NotReady | Refused):
            log.error("%s: %s", error.reason, error)
        if self.rest:
            # A status would come in the middle of a message.
            self.context.streams.give_up(self, ErrorCode.CANCEL)
            return
        fields = trailers(error) if self._headed else self.context.first() + only_trailers(error)
        self.context.output.write(frame(HEADERS, _LAST, self.number, fields))
        self.end()

    def end(self) -> None:
        """Forget the call, which has its status."""
        if not self._over:
            self.cancelled()
            self.context.streams.answered(self)

    def expire(self) -> None:
        """Give up a client that does not send its request, or does not take its answer."""
        shared = self.context.shared
        if self.rest:
            self.context.streams.give_up(self, ErrorCode.CANCEL)
        elif self.context.room.asked_by(self):
            self.deadline = self.context.within(shared.read_seconds)  # It waits for others.
        else:
            self.fail(
                TooSlow(
                    f"the request has not come in {shared.read_seconds:g} seconds and a second for every "
                    f"{SLOWEST} bytes: send it faster, or raise SERVER_READ_SECONDS"
                )
            )

    def cancelled(self) -> None:
        """Stop working for a client that wants no answer any more."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ServerError as error:
            self._task = None
            self.fail(error)
        except Exception as error:
            self._task = None
            log.exception("%s cannot be answered", self.head.path)
            self.fail(ServerError(f"{type(error).__name__}: {error}"))

    def _out_of_time(self) -> None:
        self.fail(
            Refused(
                Code.DEADLINE_EXCEEDED,
                f"the call is not answered in {self.head.timeout:g} seconds, its own grpc-timeout: give it longer",
            )
        )
