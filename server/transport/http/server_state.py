"""The state that the connections of one HTTP/1.1 server share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Protocol

from server.api.routes import HttpRequest, HttpResponse, HttpStream
from server.byte_budget import ByteBudget, default_limit
from server.errors import BudgetFull, ServerError
from server.transport.connections import Connections

# Is told of a request that is refused, and of its client's address.
Refused = Callable[[ServerError, str], None]


class Unread(Protocol):
    """A connection with unread responses."""

    def leave(self) -> None:
        """Reset the connection, and release what is held for them."""


@dataclass
class HttpServerState(Connections):
    """The connections, the application that answers, and the byte budget of requests being read.

    ``date`` is the header line of the current second, ``on_refusal`` is told of what is refused before the application sees it,
    with the client's address.
    """

    respond: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
    max_body_bytes: int
    budget: ByteBudget = field(default_factory=lambda: ByteBudget(default_limit()))
    on_refusal: Refused = lambda error, client: None
    date: bytes = b""
    # Connections with unread responses, the longest unread first.
    unread: dict[Unread, None] = field(default_factory=dict)

    def hold(self, connection: Unread, size: int) -> bool:
        """Acquire the bytes of unread responses, and return whether they may be held.

        If the budget is full, connections whose responses have been unread longest are reset.
        """
        size = self._charged(size)
        while True:
            try:
                self.budget.acquire(size)
            except BudgetFull:
                first = next(iter(self.unread), None)
                if first is None:
                    return False
                first.leave()
            else:
                self.unread[connection] = None
                return True

    def release(self, connection: Unread, size: int) -> None:
        """Give back what ``hold`` has charged."""
        self.unread.pop(connection, None)
        self.budget.release(self._charged(size))

    def _charged(self, size: int) -> int:
        return min(size, self.budget.limit // 4)  # One that is larger alone shall be sent too.

    def tick(self, now: float) -> None:
        """Set the clock, and the date header of its second."""
        super().tick(now)
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
