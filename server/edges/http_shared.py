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
    """The same with how requests are answered, and the ``budget`` that they take from while they are read; ``date`` is the line that says when, as the server's clock has it."""

    respond: Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
    max_body_bytes: int
    budget: Budget = field(default_factory=lambda: Budget(default_limit()))
    date: bytes = b""

    def tick(self, now: float) -> None:
        """Take the time."""
        super().tick(now)
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
