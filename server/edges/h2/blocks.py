"""Blocks of header fields: put together from frames, decoded, and those that come again remembered.

Source: https://www.rfc-editor.org/rfc/rfc7541
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from hpack import Decoder, HPACKError, OversizedHeaderListError

from server.edges.h2.codes import ErrorCode, H2Error
from server.edges.h2.fields import Fields

# A list of fields counts their bytes and 32 for each. One that is over the first is told so; over the second, it ends the
# connection, since what it does to the decoder's table is not known.
MAX_LIST_BYTES, MOST_LIST_BYTES = 16 * 1024, 64 * 1024
# A block as it is sent, and in how many frames.
MAX_BLOCK_BYTES, MAX_BLOCK_FRAMES = 32 * 1024, 64
# How many blocks are remembered, and how large they may be.
MOST_KNOWN, MOST_KNOWN_BYTES = 16, 1024

T = TypeVar("T")


class Blocks(Generic[T]):
    """Decodes the blocks of one connection.

    A client that asks the same again sends the same few bytes, which stand for the same as long as no other block has
    changed the table; what ``read`` made of their fields is kept that long.

    Args:
        read: makes of a request's fields what is done with it.
    """

    def __init__(self, read: Callable[[Fields], T]) -> None:
        self._read = read
        self._decoder = Decoder(MOST_LIST_BYTES)
        self._known: dict[bytes, T] = {}

    def request(self, block: bytes) -> T:
        """Return what ``read`` makes of a block.

        Raises:
            H2Error: it cannot be decoded.
            Malformed: the fields are none of a request.
        """
        known = self._known.get(block)
        if known is not None:
            return known
        fields, changed = self._decode(block)
        read = self._read(Fields(fields))
        if not changed and len(block) <= MOST_KNOWN_BYTES:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[block] = read
        return read

    def trailers(self, block: bytes) -> None:
        """Take a block that comes after a request's body; nothing in it counts.

        Raises:
            H2Error: it cannot be decoded.
            Malformed: the fields are none of trailers.
        """
        fields, _ = self._decode(block)
        Fields(fields, trailers=True)

    def skip(self, block: bytes) -> None:
        """Take a block whose stream counts for nothing: the others depend on it.

        Raises:
            H2Error: it cannot be decoded.
        """
        self._decode(block)

    def _decode(self, block: bytes) -> tuple[Iterable[tuple[bytes, bytes]], bool]:
        """Return a block's fields, and whether it has changed the table: then no other block is known any more."""
        entries = self._decoder.header_table.dynamic_entries
        count, first = len(entries), entries[0] if entries else None
        try:
            fields = self._decoder.decode(block, raw=True)
        except OversizedHeaderListError as error:
            raise H2Error(
                ErrorCode.ENHANCE_YOUR_CALM, f"a request's header has more than {MOST_LIST_BYTES} bytes"
            ) from error
        except HPACKError as error:
            raise H2Error(ErrorCode.COMPRESSION_ERROR, f"a header cannot be decoded: {error}") from error
        changed = len(entries) != count or (count > 0 and entries[0] is not first) or _resizes(block)
        if changed:
            self._known.clear()
        return fields, changed


def _resizes(block: bytes) -> bool:
    """Whether a block says how large the table is, which it must do again."""
    return block[:1] >= b"\x20" and block[:1] < b"\x40"


class Block:
    """A block whose frames are still coming, of a stream; ``ends`` says whether the stream ends with it."""

    def __init__(self, stream: int, ends: bool, first: bytes) -> None:
        self.stream = stream
        self.ends = ends
        self._parts = [first]
        self._bytes = len(first)

    def add(self, part: bytes) -> None:
        """Take the next frame.

        Raises:
            H2Error: there is no end to them.
        """
        self._parts.append(part)
        self._bytes += len(part)
        if self._bytes > MAX_BLOCK_BYTES or len(self._parts) > MAX_BLOCK_FRAMES:
            raise H2Error(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a request's header is too large: it may have {MAX_BLOCK_BYTES} bytes in {MAX_BLOCK_FRAMES} frames",
            )

    def whole(self) -> bytes:
        """Return the block."""
        return b"".join(self._parts)


def literal(name: bytes, value: bytes) -> bytes:
    """Return a field of a response as it stands in a block: in clear, so that it needs no table and changes none."""
    return b"\x00" + _string(name) + _string(value)


# The first block of a connection begins with this: the table of what the server sends has no room, whatever the client
# allows now or later.
NO_TABLE = b"\x20"
_SEVEN_BITS = 0x7F


def _string(value: bytes) -> bytes:
    length = len(value)
    if length < _SEVEN_BITS:
        return bytes((length,)) + value
    rest = length - _SEVEN_BITS
    prefix = bytearray((_SEVEN_BITS,))
    while rest > _SEVEN_BITS:
        prefix.append(rest & _SEVEN_BITS | 0x80)
        rest >>= 7
    prefix.append(rest)
    return bytes(prefix) + value
