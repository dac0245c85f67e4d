"""What answers the calls of a path: the bytes of one message to those of another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple


class Reply(NamedTuple):
    """The message that answers a call, and the metadata that goes before it."""

    message: bytes
    metadata: tuple[tuple[str, str], ...] = ()


# Of a message and the metadata of its call.
Unary = Callable[[bytes, Mapping[str, str]], Awaitable[Reply]]
