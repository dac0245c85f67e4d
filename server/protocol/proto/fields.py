"""Fields as they stand in a message's bytes.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

_LENGTH_DELIMITED = 2


def field(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes, a string, a message or packed numbers."""
    return head(number, len(content)) + content


def head(number: int, length: int) -> bytes:
    """Return what stands before the ``length`` bytes of such a field."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(number: int) -> bytes:
    """Return a number of 0 or more: seven bits a byte, the lowest first, a bit for whether more follow."""
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)
