"""One HTTP/1.1 connection: its requests are answered in order (pipelining).

A client that half-closes has disconnected: its request is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from typing import cast

from server.api.routes import HttpRequest, HttpResponse, HttpStream, failed
from server.errors import ServerError, TooManyConnections, TooSlow
from server.telemetry.call_record import forget
from server.transport.connections import (
    FRESH_SECONDS,
    LINGER_SECONDS,
    MIN_BYTES_PER_SECOND,
    NEVER,
    HttpServerState,
    reset,
)
from server.transport.http.parser import CHUNKED, CONTINUE, Persistence, RequestParser, response_head

LAST_CHUNK = b"0\r\n\r\n"
# What one client may send in a turn of the event loop, and for how long it may hold it, however small the parts of a request
# are: as much as is read at once, which is parsed piece by piece.
TURN_BYTES, TURN_SECONDS, PIECE_BYTES = 64 * 1024, 0.002, 8 * 1024
# How much of its answers a client may leave unread before it counts.
UNREAD_BYTES = 16 * 1024

log = logging.getLogger(__name__)


class HttpConnection(asyncio.Protocol):
    """The protocol of one connection. At ``deadline`` the server calls ``expire``."""

    def __init__(self, shared: HttpServerState) -> None:
        self.deadline = NEVER
        self._shared = shared
        self._refusal: ServerError | None = None
        self._answering: asyncio.Task[None] | None = None
        self._readable = self._wanted = self._writable = True
        # What has been read and waits for the next turn, which reading waits for too.
        self._unfed = memoryview(b"")
        self._resting = False
        self._ended = self._refused = False
        # Bytes sent or received since the current timeout began, against the minimum rate.
        self._transferred = 0
        # Bytes acquired from the budget for what has been read and is not answered.
        self._held = 0
        # What is charged for answers that the client has not taken.
        self._untaken = 0
        # Set when the client has taken what was written, where a stream waits for that.
        self._resumed: asyncio.Event | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it with 503 at the limit of connections."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = RequestParser(self._shared.max_body_bytes, _address(transport))
        self._transport.set_write_buffer_limits(UNREAD_BYTES)
        shared = self._shared
        shared.connections.add(self)
        shared.taken.add(1)
        if shared.taken.total > shared.max_connections:
            shared.evict_idle()
        if shared.taken.total > shared.max_connections:
            self._refusal = TooManyConnections(
                f"the server has {shared.max_connections} connections: it takes no more; "
                "send the request again, or raise SERVER_MAX_CONNECTIONS"
            )
        self._advance()
        if self._refusal is None:
            shared.fresh[self] = shared.idle.pop(self, shared.now)
            self.deadline = self._in(min(FRESH_SECONDS, shared.idle_seconds))

    def data_received(self, data: bytes) -> None:
        """Parse what the client sends; after a refusal or the last response it is discarded."""
        if len(data) <= PIECE_BYTES and not self._resting:
            self._feed(data)
        else:
            # Bytes that the transport read before it was paused follow.
            self._unfed = memoryview(b"".join((self._unfed, data))) if self._unfed else memoryview(data)
            if not self._resting:
                self._turn(full=len(data) >= TURN_BYTES)

    def _turn(self, *, full: bool = False) -> None:
        """Parse what has been read within this turn's time slice; the rest waits for the next turn."""
        end = time.perf_counter() + TURN_SECONDS
        while self._unfed and time.perf_counter() < end:
            piece, self._unfed = self._unfed[:PIECE_BYTES], self._unfed[PIECE_BYTES:]
            self._feed(piece)
        self._resting = full or bool(self._unfed)
        if self._resting:
            self._read(self._wanted)
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._resting = False
        if self._unfed:
            self._turn()
        if not self._resting:
            self._read(self._wanted)

    def _feed(self, data: bytes | memoryview) -> None:
        if self._ended or self._refusal is not None:
            return
        parser = self._parser
        was_reading = parser.reading
        self._shared.idle.pop(self, None)
        self._shared.fresh.pop(self, None)
        try:
            parser.feed(data)
        except ServerError as error:
            self._refusal = error
        if self._answering is not None:
            # What is sent ahead waits, the rest of it with the client.
            if parser.requests:
                self._read(False)
        elif was_reading and parser.reading and not parser.requests and self._refusal is None:
            self._transferred += len(data)
            self._send_continue()
        else:
            self._advance()
        try:
            self._charge()
        except ServerError as error:
            self._refusal = error
            parser.drop()
            self._charge()
            self._advance()

    def pause_writing(self) -> None:
        """Start the write timeout: the client reads more slowly than responses are written."""
        self._writable = False
        self._transferred = self._transport.get_write_buffer_size()
        self.deadline = self._in(self._shared.read_seconds)
        if self._shared.hold(self, self._transferred):
            self._untaken = self._transferred
        else:
            asyncio.get_running_loop().call_soon(self.abort)  # The transport is in the midst of writing.

    def resume_writing(self) -> None:
        """Go on: the write buffer has drained."""
        self._writable = True
        self._taken()
        if self._resumed is not None:
            self._resumed.set()
            self.deadline = NEVER
        elif self._ended:
            self.deadline = self._in(LINGER_SECONDS)
        else:
            self._advance()

    def connection_lost(self, _: Exception | None) -> None:
        """Cancel the request of a client that has disconnected."""
        self._shared.connections.discard(self)
        self._shared.idle.pop(self, None)
        self._shared.fresh.pop(self, None)
        self._unfed = memoryview(b"")
        self._taken()
        self._parser.drop()
        self._charge()
        if self._refused:
            self._shared.refused -= 1
        else:
            self._shared.taken.add(-1)
        self._ended = True
        if self._answering is not None:
            self._answering.cancel()
        del self._parser  # It refers to itself by what llhttp calls.

    def expire(self) -> None:
        """Time out, unless the client still sends or receives at the minimum rate."""
        least = MIN_BYTES_PER_SECOND * self._shared.read_seconds
        if not self._writable:
            left = self._transport.get_write_buffer_size()
            if self._transferred - left >= least:
                self._transferred = left
                self.deadline = self._in(self._shared.read_seconds)
                return
        elif self._parser.reading and not self._ended and self._transferred >= least:
            self._transferred = 0
            self.deadline = self._in(self._shared.read_seconds)
            return
        if self._ended or not self._writable:
            self.abort()
        elif self._parser.reading:
            self._refusal = TooSlow(
                f"the request has not come in {self._shared.read_seconds:g} seconds, nor {MIN_BYTES_PER_SECOND} bytes of it a second: "
                f"send it faster, or raise SERVER_READ_SECONDS"
            )
            self._advance()
        else:
            self._transport.close()

    def evict(self) -> None:
        """Close this idle connection, so that a new one can take its slot."""
        self._shared.idle.pop(self, None)
        self._shared.fresh.pop(self, None)
        self._ended = True
        self._release_slot()
        self._transport.close()

    def leave(self) -> None:
        """Reset the connection, and release what is held for its unread responses."""
        self._taken()
        self.abort()

    def drain(self) -> None:
        """Close after the response in progress or, when idle, after the next one if its request comes soon."""
        if not self._ended:
            self._advance()

    def abort(self) -> None:
        """Reset the connection."""
        reset(self._transport)

    def _advance(self) -> None:
        """Answer the next request, refuse, or read on; nothing while a response is in progress."""
        if self._answering is not None or not self._writable:
            return
        parser = self._parser
        if parser.requests:
            self.deadline = NEVER
            self._answering = asyncio.get_running_loop().create_task(self._answer(*parser.next()))
        elif self._refusal is not None:
            self._shared.on_refusal(self._refusal, _address(self._transport))
            self._write(failed(self._refusal), Persistence.CLOSED)
            self._close()
        else:
            self._read(True)
            if parser.reading:
                self._transferred = 0
                self.deadline = self._in(self._shared.read_seconds)
                self._send_continue()
            else:
                shared = self._shared
                shared.idle[self] = shared.now
                self.deadline = self._in(shared.drained_seconds if shared.draining else shared.idle_seconds)

    async def _answer(self, request: HttpRequest, persistence: Persistence) -> None:
        forget()  # The answer before has started this task.
        try:
            response = await self._shared.respond(request)
            if isinstance(response, HttpStream):
                await self._stream(response, request, persistence)
                self._answering = None
            else:
                self._answering = None
                self._write(response, persistence, with_body=request.method != "HEAD")
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception:
            log.exception("%s %s cannot be answered", request.method, request.path)
            self._transport.abort()
            return
        if self._ended:
            self._close()
        else:
            self._advance()
            self._charge()

    def _close(self) -> None:
        """End the connection when the client has its last answer."""
        shared, parser = self._shared, self._parser
        more = self._refusal is not None or parser.reading or bool(parser.requests)
        if more and shared.refused < shared.max_connections:
            # The client may be sending still: closed at once, it would get a reset before the answer.
            self._release_slot()
            self._read(True)
            self._transport.write_eof()
        else:
            self._transport.close()

    def _write(self, response: HttpResponse, persistence: Persistence, *, with_body: bool = True) -> None:
        """Write a response, and note whether it ends the connection."""
        if self._shared.draining:
            persistence = Persistence.CLOSED
        framing = b"content-length: %d\r\n" % len(response.body)
        head = response_head(response, self._shared.date, persistence, framing)
        self._transport.write(head + response.body if with_body else head)
        if persistence is Persistence.CLOSED:
            self._end()

    async def _stream(self, stream: HttpStream, request: HttpRequest, persistence: Persistence) -> None:
        """Write a response in parts, each when the client has taken those before it.

        HTTP/1.0 has no chunks: there the end of the connection ends the body.
        """
        chunked = request.version == "1.1"
        if self._shared.draining or not chunked:
            persistence = Persistence.CLOSED
        framing = CHUNKED if chunked else b""
        self._transport.write(response_head(stream, self._shared.date, persistence, framing))
        async with aclosing(stream.rest):
            if request.method != "HEAD":
                await self._write_part(stream.first, chunked)
                async for part in stream.rest:
                    await self._write_part(part, chunked)
                self._transport.write(LAST_CHUNK if chunked else b"")
        if persistence is Persistence.CLOSED:
            self._end()

    async def _write_part(self, part: bytes, chunked: bool) -> None:
        if part:  # An empty chunk would be the last one.
            self._transport.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        if not self._writable:
            self._resumed = asyncio.Event()
            await self._resumed.wait()
            self._resumed = None

    def _end(self) -> None:
        """Begin to close the connection: its last response is written."""
        self._ended = True
        if self._writable:
            self.deadline = self._in(LINGER_SECONDS)

    def _release_slot(self) -> None:
        """Give the slot back: the connection only lingers until its client has read the refusal."""
        self._refused = True
        self._shared.refused += 1
        self._shared.taken.add(-1)

    def _charge(self) -> None:
        """Acquire or release the budget for what has been read and is not being answered yet.

        A request being answered holds a reservation of its own.
        """
        held, budget = self._parser.held, self._shared.budget
        if held > self._held:
            budget.acquire(held - self._held, beside=self._held)
        elif held < self._held:
            budget.release(self._held - held)
        self._held = held

    def _send_continue(self) -> None:
        if self._parser.awaited:
            self._parser.awaited = False
            self._transport.write(CONTINUE)

    def _taken(self) -> None:
        """Release what is held for responses that the client has read or will never read."""
        if self._untaken:
            self._shared.release(self, self._untaken)
            self._untaken = 0

    def _read(self, wanted: bool) -> None:
        """Resume or pause reading, not before the next turn."""
        self._wanted = wanted
        now = wanted and not self._resting
        if now is not self._readable and not self._transport.is_closing():
            self._readable = now
            (self._transport.resume_reading if now else self._transport.pause_reading)()

    def _in(self, seconds: float) -> float:
        return self._shared.now + seconds


def _address(transport: asyncio.BaseTransport) -> str:
    """Return the client's address, or "" where it has left already."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""
