"""One connection of HTTP/2: many requests at a time, each a stream of its own.

Source: https://www.rfc-editor.org/rfc/rfc9113
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from server.edges.connections import LINGER_SECONDS, NEVER, SLOWEST, cut
from server.edges.h2.blocks import MAX_LIST_BYTES, NO_TABLE
from server.edges.h2.codes import (
    DEFAULT_WINDOW,
    LAST_STREAM,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    PING,
    ErrorCode,
    H2Error,
)
from server.edges.h2.frames import Frames, frame, goaway, settings, window_update
from server.edges.h2.output import Output
from server.edges.h2.patience import Patience
from server.edges.h2.receiver import Receiver
from server.edges.h2.requests import MAX_STREAMS, WINDOW
from server.edges.h2.room import Room
from server.edges.h2.streams import Streams

if TYPE_CHECKING:
    from server.edges.h2.shared import Shared

# What a PING holds that asks whether the client is there, and one after which no request is on its way any more.
ALIVE, DRAINED = b"is alive", b"draining"
# How long a client may take to answer the second, while it has no request under way.
DRAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One connection. ``deadline`` is when the server's clock has it ``expire``."""

    def __init__(self, shared: Shared) -> None:
        self.deadline = NEVER
        self.shared = shared
        self.patience = Patience(shared)
        self._frames = Frames()
        self._preamble = NO_TABLE
        # When what has to come by then has not come: a frame, a PING's answer, and room for what is written.
        self._frame_by = self._pong_by = self._written_by = NEVER
        self._heard = shared.now
        self._unwritten = 0
        # Whether there is nothing more to come of it, it has been refused, and no more requests are to come.
        self._over = self._refused = self._leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it where there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        shared = self.shared
        shared.connections.add(self)
        shared.taken.add(1)
        self.output = Output(self._transport, shared.max_held)
        self.room = Room(shared.max_held, self.output)
        self.streams = Streams(self.output, self.room, self.patience, self._end_if_done)
        self._receiver = Receiver(self)
        said = settings({MAX_CONCURRENT_STREAMS: MAX_STREAMS, MAX_HEADER_LIST_SIZE: MAX_LIST_BYTES})
        self.output.write(said + window_update(0, WINDOW - DEFAULT_WINDOW))
        if shared.taken.total > shared.max_connections:
            self._fail(
                H2Error(
                    ErrorCode.ENHANCE_YOUR_CALM,
                    f"the server has {shared.max_connections} connections: it takes no more; "
                    "send the request again, or raise SERVER_MAX_CONNECTIONS",
                )
            )
        elif shared.draining:
            self._transport.close()
        else:
            self._frame_by = self.within(shared.read_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; after the end it counts for nothing."""
        if self._over:
            return
        self._heard = self.shared.now
        count = 0
        try:
            for kind, flags, stream, payload in self._frames.feed(data):
                count += 1
                self._receiver.take(kind, flags, stream, payload)
                if self._transport.is_closing():
                    return
        except H2Error as error:
            self._fail(error)
            return
        except Exception:
            log.exception("a connection of HTTP/2 cannot go on")
            self._fail(H2Error(ErrorCode.INTERNAL_ERROR, "the server has failed: its log says why"))
            return
        if self._receiver.settled and not self._frames.partial:
            self._frame_by = NEVER
        elif count or self._frame_by == NEVER:
            self._frame_by = self.within(self.shared.read_seconds)

    def pause_writing(self) -> None:
        """Wait for a client that takes its answers more slowly than they come; it is not heard meanwhile."""
        self.output.writable = False
        self._transport.pause_reading()
        self._unwritten = self._transport.get_write_buffer_size()
        self._written_by = self.within(self.shared.read_seconds)

    def resume_writing(self) -> None:
        """Go on when the client has taken its answers."""
        self.output.writable = True
        self._written_by = NEVER
        self._transport.resume_reading()
        if self._over:
            self._written_by = self.within(LINGER_SECONDS)
        else:
            self.output.pump()

    def connection_lost(self, _: Exception | None) -> None:
        """Stop working for a client that is gone."""
        self.shared.connections.discard(self)
        if self._refused:
            self.shared.refused -= 1
        else:
            self.shared.taken.add(-1)
        self._over = True
        self.streams.cancel()

    def within(self, seconds: float) -> float:
        """Return the time in so many seconds, when ``expire`` shall look at what has come."""
        time = self.shared.now + seconds
        self.deadline = min(self.deadline, time)
        return time

    def expire(self) -> None:
        """Give up a client that has taken too long, with one request or all, and ask a silent one whether it is there."""
        now = self.shared.now
        for time, give_up in tuple(self._times()):
            if time < now:
                give_up()
            if self._over:
                break
        self.deadline = min(time for time, _ in self._times())

    def drain(self) -> None:
        """Take no more requests, and end the connection with the answers under way."""
        if self._over:
            return
        if not self._receiver.settled:
            self._transport.close()
            return
        # What the client has sent by now it will have taken for answered: only after the PING it knows.
        self.output.write(goaway(LAST_STREAM, ErrorCode.NO_ERROR, "the server ends"))
        self.output.write(frame(PING, 0, 0, DRAINED))
        self._pong_by = self.within(DRAIN_SECONDS)

    def ponged(self, payload: bytes) -> None:
        """Take the answer to a PING."""
        if payload == DRAINED and self.shared.draining:
            self._finish()
        elif payload == ALIVE and not self.shared.draining:
            self._pong_by = NEVER

    def leave(self) -> None:
        """End the connection with the answers under way, as the client wishes."""
        self._leaving = True
        self._end_if_done()

    def abort(self) -> None:
        """End the connection now, and take what is not sent yet from the system too."""
        cut(self._transport)

    def first(self) -> bytes:
        """Return what the first block of header fields begins with, and nothing for those after it."""
        preamble, self._preamble = self._preamble, b""
        return preamble

    def _times(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """Yield what is to be done when, if nothing comes before."""
        yield self._written_by, self._stuck
        if self._over:
            return
        yield self._frame_by, self._too_slow
        yield self._pong_by, self._silent
        for stream in tuple(self.streams.open.values()):
            yield stream.deadline, stream.expire
        if self._pong_by == NEVER:
            yield self._heard + self.shared.idle_seconds, self._ask

    def _stuck(self) -> None:
        """Give up a client that does not take what is written, or takes it too slowly."""
        left = self._transport.get_write_buffer_size()
        if self._over or self._unwritten - left < self.shared.read_seconds * SLOWEST:
            self.abort()
        else:
            self._unwritten = left
            self._written_by = self.within(self.shared.read_seconds)

    def _ask(self) -> None:
        """Ask whether the client is there, which may have gone without a word."""
        self.output.write(frame(PING, 0, 0, ALIVE))
        self._pong_by = self.within(self.shared.read_seconds)

    def _silent(self) -> None:
        if not self.shared.draining:
            self.abort()
        else:
            self._finish()

    def _finish(self) -> None:
        """Say which request was the last."""
        self._pong_by = NEVER
        last = self.streams.final = self.streams.last
        self.output.write(goaway(last, ErrorCode.NO_ERROR, "the server ends"))
        self.leave()

    def _end_if_done(self) -> None:
        """End the connection where nothing is under way on it, and it is to have no more."""
        if self._leaving and not self.streams.open and not self._over:
            self._over = True
            self.output.flush()
            self._transport.close()
            self._written_by = self.within(LINGER_SECONDS)

    def _too_slow(self) -> None:
        self._fail(
            H2Error(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a frame has not come in {self.shared.read_seconds:g} seconds: send it faster, or raise "
                "SERVER_READ_SECONDS",
            )
        )

    def _fail(self, error: H2Error) -> None:
        """End the connection for what the client did; it is heard for a while still, so that it gets to the reason."""
        self._over = True
        self.streams.cancel()
        self.output.write(goaway(self.streams.last, error.code, str(error)))
        self.output.flush()
        shared = self.shared
        if shared.refused >= shared.max_connections:
            self._transport.close()
            return
        self._refused = True
        shared.refused += 1
        shared.taken.add(-1)
        self._transport.write_eof()
        self._written_by = self.within(LINGER_SECONDS)
        if not self.output.writable:
            self._transport.resume_reading()
