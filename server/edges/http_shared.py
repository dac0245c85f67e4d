"""What the connections of one server of HTTP/1.1 have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

from server.budget import Budget, default_limit
from server.edges.connections import Connections
from server.edges.http import HttpRequest, HttpResponse, HttpStream


@dataclass
class Shared(Connections):
    """What HTTP/1.1 adds: how requests are answered, and the byte budget that they count against while they are read.

    ``date`` is the header line of the current second.
    """

    respond: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
    max_body_bytes: int
    budget: Budget = field(default_factory=lambda: Budget(default_limit()))
    date: bytes = b""

    def tick(self, now: float) -> None:
        """Take the time."""
        super().tick(now)
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
