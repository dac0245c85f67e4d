"""What the header fields of a request say of a call.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Requests)
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple

from server.edges.grpc.status import ENCODINGS, Code, NotGrpc, Refused
from server.edges.h2.blocks import MAX_LIST_BYTES
from server.edges.h2.fields import Fields
from server.errors import HeadTooLarge, NoSuchPath, ServerError

_CONTENT_TYPE = re.compile(r"application/grpc(\+proto)?\s*(;.*)?", re.IGNORECASE)
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])", re.ASCII)
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class Reply(NamedTuple):
    """The message that answers a call, and the header fields that go before it as they stand in a block."""

    message: bytes
    fields: bytes = b""


# One message for one, given the fields of the request; or any number for any.
Unary = Callable[[bytes, Mapping[str, str]], Awaitable[Reply]]
Streaming = Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]


class Method(NamedTuple):
    """What answers the calls of a path: one of both."""

    unary: Unary | None = None
    streaming: Streaming | None = None


NO_METHOD = Method()


class Head:
    """What the head of a request asks for. ``refusal`` is why it is not answered; ``timeout`` is in seconds.

    It is the same for every call with the same fields, and so holds nothing of one.
    """

    __slots__ = ("encoding", "length", "metadata", "method", "path", "refusal", "timeout")

    def __init__(self, fields: Fields, methods: Mapping[str, Method]) -> None:
        self.path = fields.path
        self.length = fields.length
        self.metadata = fields.others
        self.method = methods.get(fields.path, NO_METHOD)
        self.timeout: float | None = None
        self.encoding = fields.others.get("grpc-encoding", "identity")
        self.refusal: ServerError | None = None
        try:
            self._judge(fields)
        except ServerError as error:
            self.refusal = error.with_traceback(None)  # It is kept as long as the connection.

    def _judge(self, fields: Fields) -> None:
        given = fields.others
        if fields.size > MAX_LIST_BYTES:
            raise HeadTooLarge(
                f"the request's head is too large: it may have {MAX_LIST_BYTES} bytes, 32 for each field; send less"
            )
        content_type = given.get("content-type", "")
        if fields.method != "POST":
            raise NotGrpc(405, f"the method is {fields.method!r}: a call of gRPC is a POST")
        if not _CONTENT_TYPE.fullmatch(content_type):
            raise NotGrpc(
                415,
                f"content-type is {content_type!r}: this port takes application/grpc and application/grpc+proto",
            )
        if "te" not in given:
            raise Refused(
                Code.INTERNAL,
                "the request has no te: trailers, so something on its way may drop the status that follows an answer",
            )
        if self.method is NO_METHOD:
            raise NoSuchPath("Method not found!")
        if self.encoding not in ENCODINGS:
            raise Refused(
                Code.UNIMPLEMENTED,
                f"grpc-encoding is {self.encoding!r}: the server takes {', '.join(ENCODINGS)}",
            )
        if "grpc-timeout" in given:
            self.timeout = _seconds(given["grpc-timeout"])


def _seconds(given: str) -> float:
    found = _TIMEOUT.fullmatch(given)
    if found is None:
        raise Refused(
            Code.INTERNAL,
            f"grpc-timeout is {given!r}: it must be up to 8 digits and one of {', '.join(_SECONDS)}",
        )
    return int(found[1]) * _SECONDS[found[2]]
