"""Bytes to frames, and frames to bytes.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-4
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from server.edges.h2.codes import (
    DEFAULT_FRAME_SIZE,
    GOAWAY,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ErrorCode,
    H2Error,
)

# Length in 24 bits, kind, flags, stream.
_HEAD = Struct(">BHBBL")
HEAD_BYTES = _HEAD.size
SETTING = Struct(">HL")
NUMBER = Struct(">L")
_TWO_NUMBERS = Struct(">LL")
# What the highest bit of a stream's number, or a window's, says is reserved.
LOW_31 = 0x7FFF_FFFF

# Kind, flags, stream, payload.
Frame = tuple[int, int, int, bytes]


class Frames:
    """Makes frames of what is fed. ``partial`` is true in the midst of one, or of the preface before them."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self.partial = True

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that the next bytes complete.

        Raises:
            H2Error: they are none, or one is too large; nothing may be fed any more.
        """
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._begun:
            if data[: len(PREFACE)] != PREFACE[: len(data)]:
                raise H2Error(
                    ErrorCode.PROTOCOL_ERROR,
                    "the connection does not begin as HTTP/2 does: this port takes gRPC over HTTP/2 in clear text",
                )
            if len(data) < len(PREFACE):
                self._rest = data
                return
            self._begun, at = True, len(PREFACE)
        end = len(data)
        while end - at >= HEAD_BYTES:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
            length = high << 16 | low
            if length > DEFAULT_FRAME_SIZE:
                raise H2Error(
                    ErrorCode.FRAME_SIZE_ERROR,
                    f"a frame has {length} bytes: the limit is {DEFAULT_FRAME_SIZE}",
                )
            begin, stop = at + HEAD_BYTES, at + HEAD_BYTES + length
            if stop > end:
                break
            at = stop
            yield kind, flags, stream & LOW_31, data[begin:stop]
        self._rest = data[at:]
        self.partial = at < end


def head(length: int, kind: int, flags: int, stream: int) -> bytes:
    """Return what stands before a frame's payload of so many bytes."""
    return _HEAD.pack(length >> 16, length & 0xFFFF, kind, flags, stream)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return head(len(payload), kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    """Return the frame that says what this side wants."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(*item) for item in values.items()))


def reset(stream: int, code: int) -> bytes:
    """Return the frame that ends a stream."""
    return frame(RST_STREAM, 0, stream, NUMBER.pack(code))


def window_update(stream: int, more: int) -> bytes:
    """Return the frame that lets the client send so many more bytes on a stream, or with 0 on all together."""
    return frame(WINDOW_UPDATE, 0, stream, NUMBER.pack(more))


def goaway(last: int, code: int, message: str = "") -> bytes:
    """Return the frame that ends the connection with the last stream that is answered."""
    return frame(GOAWAY, 0, 0, _TWO_NUMBERS.pack(last, code) + message.encode())


def unpadded(payload: bytes, *, priority: bool, padded: bool) -> bytes:
    """Return what a payload of DATA or HEADERS holds beside its padding and its priority, which counts for nothing.

    Raises:
        H2Error: it is shorter than these.
    """
    begin, end = 0, len(payload)
    if padded:
        if not payload:
            raise H2Error(ErrorCode.FRAME_SIZE_ERROR, "a padded frame has no length of its padding")
        begin, end = 1, end - payload[0]
    if priority:
        begin += 5
    if begin > end:
        raise H2Error(ErrorCode.PROTOCOL_ERROR, "a frame's padding is longer than the frame")
    return payload[begin:end]
