"""What the connections of one server of HTTP/2 have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.edges.connections import Connections
from server.edges.h2.context import Context
from server.edges.h2.fields import Fields
from server.edges.h2.stream import Stream


@dataclass
class Shared(Connections):
    """The same with what a request is.

    ``read`` makes of its fields what ``open`` gets for its stream; ``max_held`` is how many bytes of large messages a
    connection may have under way in either direction.
    """

    read: Callable[[Fields], Any]
    open: Callable[[Context, int, Any], Stream]
    max_held: int
