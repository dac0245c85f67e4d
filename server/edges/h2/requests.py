"""The frames that requests consist of: their heads and bodies.

Source: https://www.rfc-editor.org/rfc/rfc9113 (6.1, 6.2, 6.10 and 8.1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.edges.h2.blocks import Block, Blocks
from server.edges.h2.codes import (
    END_HEADERS,
    END_STREAM,
    PADDED,
    PRIORITISED,
    ErrorCode,
    H2Error,
    Malformed,
    StreamError,
)
from server.edges.h2.context import Context
from server.edges.h2.fields import Fields
from server.edges.h2.frames import unpadded, window_update
from server.edges.h2.stream import Stream

# How many requests a connection may have at a time: more than may wait for the model, which refuses them by name.
MAX_STREAMS = 1024
# How many bytes a connection may have on the way; each stream's own window bounds what has to be kept.
WINDOW = 16 * 1024 * 1024


class Requests:
    """Makes streams of the frames of a connection's requests. ``partial`` is true in the midst of a head.

    Args:
        context: the connection's parts.
        read: makes of a request's fields what ``open_`` gets for its stream.
        open_: makes the stream.
    """

    def __init__(
        self, context: Context, read: Callable[[Fields], Any], open_: Callable[[Context, int, Any], Stream]
    ) -> None:
        self.partial = False
        self._context = context
        self._open = open_
        self._streams = context.streams
        self._output = context.output
        self._blocks: Blocks[Any] = Blocks(read)
        self._block: Block | None = None
        self._window = WINDOW

    def data(self, flags: int, number: int, payload: bytes) -> None:
        """Take DATA.

        Raises:
            H2Error: HTTP/2 does not allow it.
        """
        size = len(payload)
        self._window -= size
        if self._window < WINDOW // 2:
            if self._window < 0:
                raise H2Error(ErrorCode.FLOW_CONTROL_ERROR, f"the connection's window is {WINDOW} bytes")
            self._output.write(window_update(0, WINDOW - self._window))
            self._window = WINDOW
        if flags & PADDED:
            payload = unpadded(payload, priority=False, padded=True)
        stream = self._streams.open.get(number)
        if stream is None:
            self._streams.judge(number)
            return
        if stream.ended:
            raise StreamError(ErrorCode.STREAM_CLOSED, "the stream has ended")
        stream.window -= size
        if stream.window < 0:
            raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, "more was sent than the stream's window")
        if flags & END_STREAM:
            stream.ended = True
        else:
            if not payload:
                self._context.patience.control()
            if size > len(payload):
                self._context.room.again(stream, size - len(payload))
        stream.received(payload)

    def headers(self, flags: int, number: int, payload: bytes) -> None:
        """Take HEADERS.

        Raises:
            H2Error: HTTP/2 does not allow it.
        """
        if not number & 1:
            raise H2Error(ErrorCode.PROTOCOL_ERROR, f"{number} is no stream of a client's")
        if flags & (PADDED | PRIORITISED):
            priority = bool(flags & PRIORITISED)
            payload = unpadded(payload, priority=priority, padded=bool(flags & PADDED))
        if flags & END_HEADERS:
            self._whole(number, bool(flags & END_STREAM), payload)
        else:
            self._block = Block(number, bool(flags & END_STREAM), payload)
            self.partial = True

    def continuation(self, flags: int, number: int, payload: bytes) -> None:
        """Take CONTINUATION.

        Raises:
            H2Error: HTTP/2 does not allow it.
        """
        block = self._block
        if block is None or number != block.stream:
            raise H2Error(ErrorCode.PROTOCOL_ERROR, "there is no header that goes on")
        block.add(payload)
        if flags & END_HEADERS:
            self._block = None
            self.partial = False
            self._whole(number, block.ends, block.whole())

    def _whole(self, number: int, ends: bool, block: bytes) -> None:
        """Take a whole head: a request's, or what comes after its body."""
        streams = self._streams
        stream = streams.open.get(number)
        if stream is not None:
            self._trailers(stream, ends, block)
        elif number <= streams.last or number > streams.final:
            self._blocks.skip(block)
            streams.judge_head(number)
        else:
            streams.last = number
            if len(streams.open) >= MAX_STREAMS:
                self._blocks.skip(block)
                raise StreamError(ErrorCode.REFUSED_STREAM, f"{MAX_STREAMS} streams are open")
            self._begin(number, ends, block)

    def _begin(self, number: int, ends: bool, block: bytes) -> None:
        try:
            head = self._blocks.request(block)
        except Malformed as error:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, str(error)) from error
        stream = self._open(self._context, number, head)
        self._streams.open[number] = stream
        stream.ended = ends
        stream.begin()
        if ends and number in self._streams.open:
            stream.received(b"")

    def _trailers(self, stream: Stream, ends: bool, block: bytes) -> None:
        try:
            self._blocks.trailers(block)
        except Malformed as error:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, str(error)) from error
        if stream.ended:
            raise StreamError(ErrorCode.STREAM_CLOSED, "the stream has ended")
        if not ends:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, "what comes after the body must end the stream")
        stream.ended = True
        stream.received(b"")
