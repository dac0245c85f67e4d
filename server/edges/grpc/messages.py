"""The bytes of a call's body to messages, and messages to bytes.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Length-Prefixed-Message, Compressed-Flag)
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from struct import Struct

from server.edges.grpc.status import Code, Refused
from server.errors import BodyTooLarge

# Whether it is compressed, and its length.
_PREFIX = Struct(">BL")
PREFIX_BYTES = _PREFIX.size
# What zlib calls the two formats.
_WINDOWS = {"deflate": zlib.MAX_WBITS, "gzip": 16 + zlib.MAX_WBITS}


def framed(message: bytes) -> bytes:
    """Return a message as it lies in a body, not compressed."""
    return _PREFIX.pack(0, len(message)) + message


class Messages:
    """Makes messages of the parts of a body.

    Args:
        limit: the largest message in bytes, compressed or not.
        encoding: how those are compressed that say that they are.
    """

    __slots__ = ("_encoding", "_limit", "_rest")

    def __init__(self, limit: int, encoding: str) -> None:
        self._limit = limit
        self._encoding = encoding
        # In one piece: parts of a few bytes, each an object, would take twenty times as much.
        self._rest = bytearray()

    @property
    def missing(self) -> int:
        """How many bytes the message that has begun lacks, as far as that is known."""
        size = len(self._rest)
        if not size:
            return 0
        length = _PREFIX.unpack_from(self._rest)[1] if size >= PREFIX_BYTES else 0
        return int(PREFIX_BYTES + length - size)

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Return the messages that the next part completes.

        Raises:
            BodyTooLarge: one is over the limit.
            Refused: they are none.
        """
        if not self._rest and len(data) >= PREFIX_BYTES:
            compressed, length = _PREFIX.unpack_from(data)
            if not compressed and len(data) == PREFIX_BYTES + length and length <= self._limit:
                return (data[PREFIX_BYTES:],)  # As nearly always.
        self._rest += data
        found: list[bytes] = []
        begin, size = 0, len(self._rest)
        while size - begin >= PREFIX_BYTES:
            compressed, length = _PREFIX.unpack_from(self._rest, begin)
            self._judge(compressed, length)
            end = begin + PREFIX_BYTES + length
            if end > size:
                break
            with memoryview(self._rest) as view:
                message = bytes(view[begin + PREFIX_BYTES : end])
            found.append(self._plain(message) if compressed else message)
            begin = end
        del self._rest[:begin]
        return found

    def _judge(self, compressed: int, length: int) -> None:
        if length > self._limit:
            raise too_large(f"({length} vs. {self._limit})")
        if compressed > 1 or (compressed and self._encoding not in _WINDOWS):
            raise Refused(
                Code.INTERNAL,
                f"a message's compressed flag is {compressed}, with grpc-encoding {self._encoding}: it must be "
                "0, or with grpc-encoding gzip or deflate 1",
            )

    def _plain(self, message: bytes) -> bytes:
        inflater = zlib.decompressobj(_WINDOWS[self._encoding])
        try:
            plain = inflater.decompress(message, self._limit + 1)
        except zlib.error as error:
            raise Refused(
                Code.INTERNAL, f"a message is not compressed by {self._encoding}: {error}"
            ) from error
        if len(plain) > self._limit:
            raise too_large(f"(more than {self._limit} when decompressed vs. {self._limit})")
        if not inflater.eof or inflater.unused_data:
            raise Refused(
                Code.INTERNAL,
                f"a message is not compressed by {self._encoding}: it ends too early or too late",
            )
        return plain


def too_large(sizes: str) -> BodyTooLarge:
    """Return the error of a message that is over the limit."""
    return BodyTooLarge(
        "send fewer rows at a time, or raise SERVER_GRPC_MAX_MESSAGE_BYTES: received message larger than max "
        + sizes
    )
