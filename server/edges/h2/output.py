"""What a connection sends: as much as the client takes, and all of one turn of the event loop in one piece.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-5.2
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection

from server.edges.connections import SLOWEST
from server.edges.h2.codes import (
    DATA,
    DEFAULT_FRAME_SIZE,
    DEFAULT_WINDOW,
    LARGEST_WINDOW,
    ErrorCode,
    H2Error,
    StreamError,
)
from server.edges.h2.frames import head
from server.edges.h2.stream import NOTHING, Stream

# How many bytes are handed to the transport at a time, and how many it may hold.
HIGH_WATER = 64 * 1024


class Output:
    """The sending side of a connection.

    ``writable`` is false while the transport has more than it gets rid of, ``unsent`` how many bytes wait for the
    client's windows, ``initial`` how many it takes of every stream at first, and ``frame_size`` in one frame.

    Args:
        transport: what takes the bytes.
        most_unsent: how many bytes may wait before nothing more is begun.
    """

    def __init__(self, transport: asyncio.Transport, most_unsent: int) -> None:
        transport.set_write_buffer_limits(HIGH_WATER)
        self._transport = transport
        self._most_unsent = most_unsent
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self._bytes = 0
        self._ready: dict[int, Stream] = {}
        self._held: deque[Callable[[], None]] = deque()
        self._window = DEFAULT_WINDOW
        self.initial = DEFAULT_WINDOW
        self.frame_size = DEFAULT_FRAME_SIZE
        self.writable = True
        self.unsent = 0

    @property
    def buffered(self) -> int:
        """How many bytes the transport has that the system has not taken."""
        return self._transport.get_write_buffer_size()

    def write(self, part: bytes) -> None:
        """Write frames, with all others of this turn."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(part)

    def flush(self) -> None:
        """Write what there is now."""
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._bytes = 0
            if not self._transport.is_closing():
                self._transport.write(data)

    def send(self, stream: Stream, before: bytes, data: bytes, after: bytes) -> bool:
        """Write frames, a part of a stream's body, and the frames after it.

        Return whether it is all written; else ``stream.sent`` is called when it is.
        """
        self.write(before)
        size = len(data)
        if (
            size <= self.frame_size
            and size <= self._window
            and size <= self.initial + stream.credit
            and self.writable
        ):
            self._window -= size
            stream.credit -= size
            self._parts.append(head(size, DATA, 0, stream.number) + data + after)
            return True
        stream.rest, stream.tail = memoryview(data), after
        self.unsent += size
        if self.initial + stream.credit > 0:
            self._ready[stream.number] = stream
            self.pump()
        return not stream.tail and not stream.rest

    def pump(self) -> None:
        """Write what the client takes now, a frame of each stream in turn."""
        while self._ready and self._window > 0 and self.writable:
            number, stream = next(iter(self._ready.items()))
            del self._ready[number]
            allowed = self.initial + stream.credit
            size = min(len(stream.rest), self._window, allowed, self.frame_size)
            if size <= 0:
                continue
            self.write(head(size, DATA, 0, number))
            self._parts.append(bytes(stream.rest[:size]))
            stream.rest = stream.rest[size:]
            stream.credit -= size
            stream.deadline += size / SLOWEST
            self._window -= size
            self.unsent -= size
            self._bytes += size
            if not stream.rest:
                self._parts.append(stream.tail)
                stream.rest, stream.tail = NOTHING, b""
                stream.sent()
            elif allowed > size:
                self._ready[number] = stream
            if self._bytes >= HIGH_WATER:
                self.flush()
        self._go_on()

    def allow(self, more: int) -> None:
        """Take the client's word that it takes so many more bytes.

        Raises:
            H2Error: that is more than a window may be.
        """
        self._window += more
        if self._window > LARGEST_WINDOW:
            raise H2Error(ErrorCode.FLOW_CONTROL_ERROR, f"the connection's window is over {LARGEST_WINDOW}")
        self.pump()

    def allow_stream(self, stream: Stream, more: int) -> None:
        """Take the same of one stream.

        Raises:
            StreamError: that is more than a window may be.
        """
        stream.credit += more
        if self.initial + stream.credit > LARGEST_WINDOW:
            raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, f"the stream's window is over {LARGEST_WINDOW}")
        self._recheck(stream)
        self.pump()

    def begin_with(self, initial: int, streams: Collection[Stream]) -> None:
        """Take how many bytes the client takes of every stream at first, those that are open too.

        Raises:
            H2Error: that is more than a window may be.
        """
        grown = initial > self.initial
        self.initial = initial
        if not grown:
            return
        for stream in streams:
            if initial + stream.credit > LARGEST_WINDOW:
                raise H2Error(ErrorCode.FLOW_CONTROL_ERROR, f"a stream's window is over {LARGEST_WINDOW}")
            self._recheck(stream)
        self.pump()

    def forget(self, stream: Stream) -> None:
        """Send nothing more of a stream."""
        self.unsent -= len(stream.rest)
        stream.rest, stream.tail = NOTHING, b""
        self._ready.pop(stream.number, None)
        self._go_on()

    def when_free(self, begin: Callable[[], None]) -> None:
        """Call ``begin`` now, or when less waits for a client that asks for more than it takes."""
        if self.unsent <= self._most_unsent and not self._held:
            begin()
        else:
            self._held.append(begin)

    def _go_on(self) -> None:
        while self._held and self.unsent <= self._most_unsent:
            self._held.popleft()()

    def _recheck(self, stream: Stream) -> None:
        if stream.rest and self.initial + stream.credit > 0:
            self._ready[stream.number] = stream
