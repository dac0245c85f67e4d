"""One connection of HTTP: its requests are answered one after the other, as they came.

A client that ends its side of the connection is gone: its request is not answered any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from typing import cast

from server.edges.connections import FRESH_SECONDS, LINGER_SECONDS, NEVER, SLOWEST, cut
from server.edges.http import HttpRequest, HttpResponse, HttpStream
from server.edges.http_head import CHUNKED, CONTINUE, Persistence, response_head
from server.edges.http_parser import Parser
from server.edges.http_shared import Shared
from server.edges.routes import failed
from server.errors import ServerError, TooManyConnections, TooSlow

LAST_CHUNK = b"0\r\n\r\n"
# What one client may send in a turn of the event loop, and for how long it may hold it, however small the parts of a request
# are: as much as is read at once, which is parsed piece by piece.
TURN_BYTES, TURN_SECONDS, PIECE_BYTES = 64 * 1024, 0.002, 8 * 1024
# How much of its answers a client may leave unread before it counts.
UNREAD_BYTES = 16 * 1024

log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """One connection. ``deadline`` is when the server's clock has it ``expire``."""

    def __init__(self, shared: Shared) -> None:
        self.deadline = NEVER
        self._shared = shared
        self._parser = Parser(shared.max_body_bytes)
        self._refusal: ServerError | None = None
        self._answering: asyncio.Task[None] | None = None
        self._readable = self._wanted = self._writable = True
        # What has been read and waits for the next turn, which reading waits for too.
        self._unfed = memoryview(b"")
        self._resting = False
        self._ended = self._refused = False
        # What has come or gone since the time that the client has began: it is not earned in advance.
        self._moved = 0
        # What is charged to the budget for what has been read and is not answered.
        self._held = 0
        # What is charged for answers that the client has not taken.
        self._untaken = 0
        # Set when the client has taken what was written, where a stream waits for that.
        self._resumed: asyncio.Event | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it where there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(UNREAD_BYTES)
        shared = self._shared
        shared.connections.add(self)
        shared.taken.add(1)
        if shared.taken.total > shared.max_connections:
            shared.make_room()
        if shared.taken.total > shared.max_connections:
            self._refusal = TooManyConnections(
                f"the server has {shared.max_connections} connections: it takes no more; "
                "send the request again, or raise SERVER_MAX_CONNECTIONS"
            )
        self._go_on()
        if self._refusal is None:
            shared.fresh[self] = shared.idle.pop(self, shared.now)
            self.deadline = self._in(min(FRESH_SECONDS, shared.idle_seconds))

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; after a refusal or the last answer it counts for nothing."""
        if len(data) <= PIECE_BYTES and not self._resting:
            self._feed(data)
        else:
            # What the transport has read before it was told to stop comes behind.
            self._unfed = memoryview(b"".join((self._unfed, data))) if self._unfed else memoryview(data)
            if not self._resting:
                self._turn(full=len(data) >= TURN_BYTES)

    def _turn(self, *, full: bool = False) -> None:
        """Feed what has been read for as long as a client may hold the loop; the rest, and what it sends on, is the next turn's."""
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
            self._moved += len(data)
            self._offer()
        else:
            self._go_on()
        try:
            self._charge()
        except ServerError as error:
            self._refusal = error
            parser.drop()
            self._charge()
            self._go_on()

    def pause_writing(self) -> None:
        """Wait for a client that takes its answers more slowly than they come."""
        self._writable = False
        self._moved = self._transport.get_write_buffer_size()
        self.deadline = self._in(self._shared.read_seconds)
        if self._shared.hold(self, self._moved):
            self._untaken = self._moved
        else:
            asyncio.get_running_loop().call_soon(self.abort)  # The transport is in the midst of writing.

    def resume_writing(self) -> None:
        """Go on when the client has taken its answers."""
        self._writable = True
        self._taken()
        if self._resumed is not None:
            self._resumed.set()
            self.deadline = NEVER
        elif self._ended:
            self.deadline = self._in(LINGER_SECONDS)
        else:
            self._go_on()

    def connection_lost(self, _: Exception | None) -> None:
        """Stop working for a client that is gone."""
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
        """Give up a client that has taken too long, unless it is still taking or sending at a fair rate."""
        least = SLOWEST * self._shared.read_seconds
        if not self._writable:
            left = self._transport.get_write_buffer_size()
            if self._moved - left >= least:
                self._moved = left
                self.deadline = self._in(self._shared.read_seconds)
                return
        elif self._parser.reading and not self._ended and self._moved >= least:
            self._moved = 0
            self.deadline = self._in(self._shared.read_seconds)
            return
        if self._ended or not self._writable:
            self.abort()
        elif self._parser.reading:
            self._refusal = TooSlow(
                f"the request has not come in {self._shared.read_seconds:g} seconds, nor {SLOWEST} bytes of it a second: "
                f"send it faster, or raise SERVER_READ_SECONDS"
            )
            self._go_on()
        else:
            self._transport.close()

    def give_way(self) -> None:
        """End for the sake of another one, which counts in its place from now on."""
        self._shared.idle.pop(self, None)
        self._shared.fresh.pop(self, None)
        self._ended = True
        self._uncount()
        self._transport.close()

    def leave(self) -> None:
        """End now, and give back at once what its client has not taken."""
        self._taken()
        self.abort()

    def drain(self) -> None:
        """End the connection with the answer under way or, where there is none, with the next, if that comes soon."""
        if not self._ended:
            self._go_on()

    def abort(self) -> None:
        """End the connection now, and take what is not sent yet from the system too."""
        cut(self._transport)

    def _go_on(self) -> None:
        """Do what comes next, unless something has to come first."""
        if self._answering is not None or not self._writable:
            return
        parser = self._parser
        if parser.requests:
            self.deadline = NEVER
            self._answering = asyncio.get_running_loop().create_task(self._answer(*parser.next()))
        elif self._refusal is not None:
            self._write(failed(self._refusal), Persistence.CLOSED)
            self._close()
        else:
            self._read(True)
            if parser.reading:
                self._moved = 0
                self.deadline = self._in(self._shared.read_seconds)
                self._offer()
            else:
                shared = self._shared
                shared.idle[self] = shared.now
                self.deadline = self._in(shared.drained_seconds if shared.draining else shared.idle_seconds)

    async def _answer(self, request: HttpRequest, persistence: Persistence) -> None:
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
            self._go_on()
            self._charge()

    def _close(self) -> None:
        """End the connection when the client has its last answer."""
        shared, parser = self._shared, self._parser
        more = self._refusal is not None or parser.reading or bool(parser.requests)
        if more and shared.refused < shared.max_connections:
            # The client may be sending still: closed at once, it would get a reset before the answer.
            self._uncount()
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

    def _uncount(self) -> None:
        """Count no more among the connections that are taken."""
        self._refused = True
        self._shared.refused += 1
        self._shared.taken.add(-1)

    def _charge(self) -> None:
        """Charge what has been read and is not being answered to the budget, or give back what is no more.

        A request that is answered is charged by what it takes then.
        """
        held, budget = self._parser.held, self._shared.budget
        if held > self._held:
            budget.take(held - self._held, beside=self._held)
        elif held < self._held:
            budget.give(self._held - held)
        self._held = held

    def _offer(self) -> None:
        if self._parser.awaited:
            self._parser.awaited = False
            self._transport.write(CONTINUE)

    def _taken(self) -> None:
        """Take notice that the client has its answers, or gets them no more."""
        if self._untaken:
            self._shared.release(self, self._untaken)
            self._untaken = 0

    def _read(self, wanted: bool) -> None:
        """Read on or not; in any case not before the next turn."""
        self._wanted = wanted
        now = wanted and not self._resting
        if now is not self._readable and not self._transport.is_closing():
            self._readable = now
            (self._transport.resume_reading if now else self._transport.pause_reading)()

    def _in(self, seconds: float) -> float:
        return self._shared.now + seconds
