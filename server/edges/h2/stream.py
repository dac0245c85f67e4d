"""One stream of a connection: a request and its answer."""

from __future__ import annotations

from server.edges.connections import NEVER
from server.edges.h2.codes import DEFAULT_WINDOW

NOTHING = memoryview(b"")


class Stream:
    """One stream, which a subclass gives its meaning.

    ``ended`` is true when the client has sent all. ``window`` is how many bytes it may send still, and ``room`` how many
    of them were set aside for it; ``credit`` is how many this side may send, beyond what every stream may at first.
    ``rest`` is what waits for that, and ``tail`` the frames that come then. ``deadline`` is when it shall ``expire``.
    """

    __slots__ = ("credit", "deadline", "ended", "number", "rest", "room", "tail", "window")

    def __init__(self, number: int) -> None:
        self.number = number
        self.ended = False
        self.window = DEFAULT_WINDOW
        self.room = 0
        self.credit = 0
        self.rest = NOTHING
        self.tail = b""
        self.deadline = NEVER

    def begin(self) -> None:
        """Take the head, before anything else."""

    def received(self, data: bytes) -> None:
        """Take the next part of the body; ``ended`` tells whether it is the last."""
        raise NotImplementedError

    def sent(self) -> None:
        """Take notice that the client has got what waited for it."""

    def expire(self) -> None:
        """Give up a client that has taken too long."""

    def cancelled(self) -> None:
        """Stop working for a client that wants no answer any more."""
