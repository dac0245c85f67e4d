"""A unary gRPC method, as what carries it sees it: no sockets, no messages of a protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple


class Reply(NamedTuple):
    """The message that answers a call, and the metadata that goes before it."""

    message: bytes
    metadata: tuple[tuple[str, str], ...] = ()


# Of a message and the metadata of its call.
Unary = Callable[[bytes, Mapping[str, str]], Awaitable[Reply]]

# The most that a message took once it was parsed (rows of one boolean each), in bytes for each of its own, rounded up.
PARSED = 12
