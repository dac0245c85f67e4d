"""A call whose messages are answered while they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence

from server.edges.connections import NEVER
from server.edges.grpc.call import Call
from server.edges.grpc.head import Head, Streaming
from server.edges.h2.codes import DEFAULT_WINDOW
from server.edges.h2.context import Context


class StreamingCall(Call):
    """Any number of messages for any. The method takes them as it likes, and waits for a client that takes its own slowly."""

    __slots__ = ("_method", "_requests", "_sent", "_wanted")

    def __init__(self, context: Context, number: int, head: Head, limit: int, method: Streaming) -> None:
        super().__init__(context, number, head, limit)
        self._method = method
        self._requests: deque[bytes] = deque()
        self._wanted = asyncio.Event()
        self._sent = asyncio.Event()

    def begin(self) -> None:
        """Take the head, and begin at once."""
        super().begin()
        self.deadline = NEVER
        if not self._over:
            self.run(self._answer)

    def take(self, messages: Sequence[bytes]) -> None:
        """Take messages for the method."""
        self._requests += messages
        if not self._messages.missing:
            self.deadline = NEVER  # The next one may come whenever the client likes.
        elif self.deadline == NEVER:
            self.deadline = self.context.within(self.context.shared.read_seconds)
        self._wanted.set()

    def sent(self) -> None:
        """Go on when the client has got a message."""
        self.deadline = NEVER
        self._sent.set()

    async def _answer(self) -> None:
        async for message in self._method(self._incoming()):
            self._sent.clear()
            if not self.send(message, last=False):
                await self._sent.wait()
        self._task = None
        self.finish()

    async def _incoming(self) -> AsyncIterator[bytes]:
        while True:
            while self._requests:
                yield self._requests.popleft()
            if self.ended:
                return
            if not self._messages.missing:
                self.context.room.forget(self)  # What was set aside for a large message is free with that.
                if self.window < DEFAULT_WINDOW // 2:
                    self.context.room.again(self, DEFAULT_WINDOW - self.window)
            self._wanted.clear()
            await self._wanted.wait()
