"""What the connections of one server of HTTP have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from server.edges.http import HttpRequest, HttpResponse
from server.tally import Tally


class Timed(Protocol):
    """A connection as the server sees it: ``deadline`` is when the server's clock has it ``expire``."""

    deadline: float

    def expire(self) -> None:
        """Give up a client that has taken too long."""

    def drain(self) -> None:
        """End with the answer under way, or now where there is none."""

    def abort(self) -> None:
        """End now."""


@dataclass
class Shared:
    """What the connections of one server have in common.

    ``taken`` counts those of every process of the server, ``refused`` those of this one that count no more since they
    only wait for their client to see that they are refused; ``now`` and ``date`` are as the server's clock has them.
    """

    respond: Callable[[HttpRequest], Awaitable[HttpResponse]]
    max_body_bytes: int
    max_connections: int
    idle_seconds: float
    read_seconds: float
    connections: set[Timed] = field(default_factory=set)
    taken: Tally = field(default_factory=Tally)
    refused: int = 0
    draining: bool = False
    now: float = 0.0
    date: bytes = b""
