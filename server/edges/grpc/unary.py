"""A call of one message that is answered by one."""

from __future__ import annotations

from collections.abc import Sequence

from server.edges.grpc.call import Call
from server.edges.grpc.head import Head, Unary
from server.edges.grpc.status import Code, Refused
from server.edges.h2.context import Context


class UnaryCall(Call):
    """One message for one. The method begins when the request is whole."""

    __slots__ = ("_body", "_method")

    def __init__(self, context: Context, number: int, head: Head, limit: int, method: Unary) -> None:
        super().__init__(context, number, head, limit)
        self._method = method
        self._body: bytes | None = None

    def take(self, messages: Sequence[bytes]) -> None:
        """Take the one message, and begin when there are no more."""
        for message in messages:
            if self._body is not None:
                raise Refused(Code.INTERNAL, "the request has several messages: this method takes one")
            self._body = message
        if self.ended:
            if self._body is None:
                raise Refused(Code.INTERNAL, "the request has no message: this method takes one")
            self.context.output.when_free(self._begin)

    def sent(self) -> None:
        """End, since the client has got the answer."""
        self._task = None
        self.end()

    def _begin(self) -> None:
        if not self._over and self._body is not None:
            self.run(self._answer)

    async def _answer(self) -> None:
        body, self._body = self._body or b"", None
        message, fields = await self._method(body, self.head.metadata)
        if not self._over:
            self._task = None
            if self.send(message, fields, last=True):
                self.end()
