"""What the connections of one server of HTTP/1.1 have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Protocol

from server.budget import Budget, default_limit
from server.edges.connections import Connections
from server.edges.http import HttpRequest, HttpResponse, HttpStream
from server.errors import BudgetFull


class Unread(Protocol):
    """A connection whose client has not taken its answers."""

    def leave(self) -> None:
        """End, and give back now what is charged for them."""


@dataclass
class Shared(Connections):
    """What HTTP/1.1 adds: how requests are answered, and the byte budget that they count against while they are read.

    ``date`` is the header line of the current second.
    """

    respond: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
    max_body_bytes: int
    budget: Budget = field(default_factory=lambda: Budget(default_limit()))
    date: bytes = b""
    # Those whose clients have not taken their answers, the one that has left them longest first.
    unread: dict[Unread, None] = field(default_factory=dict)

    def hold(self, connection: Unread, size: int) -> bool:
        """Charge the bytes of answers that a client has not taken, and return whether they may be held.

        Where the budget has no room for them, the connections go whose clients have left theirs longest.
        """
        size = self._charged(size)
        while True:
            try:
                self.budget.take(size)
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
        self.budget.give(self._charged(size))

    def _charged(self, size: int) -> int:
        return min(size, self.budget.limit // 4)  # One that is larger alone shall be sent too.

    def tick(self, now: float) -> None:
        """Take the time."""
        super().tick(now)
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
