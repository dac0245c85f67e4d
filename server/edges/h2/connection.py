"""One connection of HTTP/2: many requests at a time, each a stream of its own.

Source: https://www.rfc-editor.org/rfc/rfc9113
"""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from server.edges.connections import cut
from server.edges.h2.blocks import MAX_LIST_BYTES
from server.edges.h2.codes import (
    DEFAULT_WINDOW,
    LAST_STREAM,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    PING,
    ErrorCode,
    H2Error,
)
from server.edges.h2.context import Context
from server.edges.h2.frames import Frames, frame, goaway, settings, window_update
from server.edges.h2.receiver import Receiver
from server.edges.h2.requests import MAX_STREAMS, WINDOW, Requests
from server.edges.h2.shared import Shared
from server.edges.h2.waits import Waits

# What a PING holds that asks whether the client is there, and one after which no request is on its way any more.
ALIVE, DRAINED = b"is alive", b"draining"

log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One connection; ``over`` is true at its end."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._frames = Frames()
        self.over = self._refused = self._leaving = False

    @property
    def deadline(self) -> float:
        """When the server's clock has it ``expire``."""
        return self._context.deadline

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it where there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        shared = self._shared
        self._context = context = Context(shared, self._transport, shared.max_held, self._end_if_done)
        self._output, self._streams = context.output, context.streams
        self._waits = Waits(context, self)
        requests = Requests(context, shared.read, shared.open)
        self._receiver = Receiver(context, requests, self._ponged, self.leave)
        shared.connections.add(self)
        shared.taken.add(1)
        said = settings({MAX_CONCURRENT_STREAMS: MAX_STREAMS, MAX_HEADER_LIST_SIZE: MAX_LIST_BYTES})
        self._output.write(said + window_update(0, WINDOW - DEFAULT_WINDOW))
        if shared.taken.total > shared.max_connections:
            self.fail(
                H2Error(
                    ErrorCode.ENHANCE_YOUR_CALM,
                    f"the server has {shared.max_connections} connections: it takes no more; "
                    "send the request again, or raise SERVER_MAX_CONNECTIONS",
                )
            )
        elif shared.draining:
            self.leave()
        else:
            self._waits.frame(wanted=True, anew=True)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; after the end it counts for nothing."""
        if self.over:
            return
        self._waits.heard = self._shared.now
        any_ = False
        try:
            for kind, flags, stream, payload in self._frames.feed(data):
                any_ = True
                self._receiver.take(kind, flags, stream, payload)
                if self._transport.is_closing():
                    return
        except H2Error as error:
            self.fail(error)
            return
        except Exception:
            log.exception("a connection of HTTP/2 cannot go on")
            self.fail(H2Error(ErrorCode.INTERNAL_ERROR, "the server has failed: its log says why"))
            return
        self._waits.frame(wanted=self._frames.partial or not self._receiver.settled, anew=any_)

    def pause_writing(self) -> None:
        """Wait for a client that takes its answers more slowly than they come; it is not heard meanwhile."""
        self._output.writable = False
        self._transport.pause_reading()
        self._waits.writable(self._output.buffered)

    def resume_writing(self) -> None:
        """Go on when the client has taken its answers."""
        self._output.writable = True
        self._waits.written()
        self._transport.resume_reading()
        if self.over:
            self._waits.closed()
        else:
            self._output.pump()

    def connection_lost(self, _: Exception | None) -> None:
        """Stop working for a client that is gone."""
        self._shared.connections.discard(self)
        if self._refused:
            self._shared.refused -= 1
        else:
            self._shared.taken.add(-1)
        self.over = True
        self._streams.cancel()

    def expire(self) -> None:
        """Give up a client that has taken too long, with one request or all, and ask a silent one whether it is there."""
        self._context.deadline = self._waits.expire()

    def drain(self) -> None:
        """Take no more requests, and end the connection with the answers under way."""
        if self.over:
            return
        if not self._receiver.settled:
            self.leave()
            return
        # What the client has sent by now it will have taken for answered: only after the PING it knows.
        self._output.write(goaway(LAST_STREAM, ErrorCode.NO_ERROR, "the server ends"))
        self._output.write(frame(PING, 0, 0, DRAINED))
        self._waits.pong()

    def _ponged(self, payload: bytes) -> None:
        """Take the answer to a PING."""
        if payload == DRAINED and self._shared.draining:
            self._finish()
        elif payload == ALIVE and not self._shared.draining:
            self._waits.answered()

    def leave(self) -> None:
        """End the connection with the answers under way, or now where there are none."""
        self._leaving = True
        self._end_if_done()

    def abort(self) -> None:
        """End the connection now, and take what is not sent yet from the system too."""
        cut(self._transport)

    def hang_up(self) -> None:
        """End a connection that is over, whose client has not ended it; the system goes on sending what it has."""
        if self._refused or self._transport.is_closing():
            self.abort()
        else:
            self._transport.close()
            self._waits.closed()

    def ask(self) -> None:
        """Ask whether the client is there, which may have gone without a word."""
        self._output.write(frame(PING, 0, 0, ALIVE))
        self._waits.pong()

    def silent(self) -> None:
        """Do without a PING's answer."""
        if not self._shared.draining:
            self.abort()
        else:
            self._finish()

    def _finish(self) -> None:
        """Say which request was the last."""
        self._waits.answered()
        last = self._streams.final = self._streams.last
        self._output.write(goaway(last, ErrorCode.NO_ERROR, "the server ends"))
        self.leave()

    def _end_if_done(self) -> None:
        """End the connection where nothing is under way on it, and it is to have no more."""
        if self._leaving and not self._streams.open and not self.over:
            self.over = True
            self._output.flush()
            # What the client still sends, a WINDOW_UPDATE for the last answer, would have the system throw that away
            # if nobody heard it: so the client ends the connection, or the time for that does.
            self._transport.write_eof()
            if not self._output.writable:
                self._transport.resume_reading()
            self._waits.closed()

    def fail(self, error: H2Error) -> None:
        """End the connection for what the client did; it is heard for a while still, so that it gets to the reason."""
        self.over = True
        self._streams.cancel()
        self._output.write(goaway(self._streams.last, error.code, str(error)))
        self._output.flush()
        self._waits.closed()
        shared = self._shared
        if shared.refused >= shared.max_connections:
            self._transport.close()
            return
        self._refused = True
        shared.refused += 1
        shared.taken.add(-1)
        self._transport.write_eof()
        if not self._output.writable:
            self._transport.resume_reading()
