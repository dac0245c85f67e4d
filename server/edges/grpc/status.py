"""The status that a call ends with, and the header fields of answers.

Sources: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md and
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar
from urllib.parse import quote

from google.protobuf.message import DecodeError, Message

from server.edges.h2.blocks import literal
from server.errors import BadData, NotReady, ServerError

M = TypeVar("M", bound=Message)

# What a byte of a message may be as it is: printable ASCII but the sign that stands before all others.
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
# A status travels in a header, where a byte takes up to three and the common limit is 8192.
LONGEST_DETAILS = 2000

# When a client whose retry policy covers the status may try again, in milliseconds (server pushback, gRFC A6).
PUSHBACK = b"grpc-retry-pushback-ms"

# How messages may be compressed.
ENCODINGS = ("identity", "deflate", "gzip")


class Code(IntEnum):
    """The status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class Refused(ServerError):
    """The call is none that gRPC knows, or none of this server's."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.grpc = code.name


class NotGrpc(Refused):
    """The request is none of gRPC at all; ``status`` is what HTTP says of it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(Code.UNKNOWN, message)
        self.status = status


def _head(status: bytes) -> bytes:
    return status + literal(b"content-type", b"application/grpc")


# :status 200 is in the table that never changes.
_OK = b"\x88"
ANSWER = _head(_OK) + literal(b"grpc-accept-encoding", ",".join(ENCODINGS).encode())
TRAILERS = literal(b"grpc-status", b"0")


def trailers(error: ServerError) -> bytes:
    """Return the fields of the status that tells of an error."""
    details = str(error).encode()[:LONGEST_DETAILS].decode(errors="ignore")
    message = quote(details, safe=_PLAIN).encode()
    fields = literal(b"grpc-status", b"%d" % Code[error.grpc]) + literal(b"grpc-message", message)
    if isinstance(error, NotReady):
        fields += literal(PUSHBACK, b"%d" % (1000 * error.retry_seconds))
    return fields


def only_trailers(error: ServerError) -> bytes:
    """Return all the fields of an answer that consists of an error."""
    if isinstance(error, NotGrpc):
        return _head(literal(b":status", b"%d" % error.status)) + trailers(error)
    return ANSWER + trailers(error)


def parsed(message: M, body: bytes) -> M:
    """Return the message with what the bytes say.

    Raises:
        BadData: they are none of its kind.
    """
    try:
        message.MergeFromString(body)
    except DecodeError as error:
        raise BadData(f"the bytes are no {message.DESCRIPTOR.full_name}: {error}") from error
    return message
