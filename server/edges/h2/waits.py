"""What a connection waits for from its client, and how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from server.edges.connections import LINGER_SECONDS, NEVER, SLOWEST
from server.edges.h2.codes import ErrorCode, H2Error
from server.edges.h2.context import Context
from server.edges.h2.output import HIGH_WATER

# How long a client may take to say that it knows of the server's end, while it has no request under way.
DRAIN_SECONDS = 1.0


class Ends(Protocol):
    """How a connection ends; ``over`` is true when it has."""

    over: bool

    def ask(self) -> None:
        """Ask whether the client is there."""

    def silent(self) -> None:
        """Do without a PING's answer."""

    def fail(self, error: H2Error) -> None:
        """End it for what the client did."""

    def hang_up(self) -> None:
        """End one that is over, whose client has not ended it."""

    def abort(self) -> None:
        """End it now."""


class Waits:
    """What a connection waits for. ``heard`` is when something came last."""

    def __init__(self, context: Context, connection: Ends) -> None:
        self.heard = context.shared.now
        self._context = context
        self._connection = connection
        self._shared = context.shared
        self._frame_by = self._pong_by = self._written_by = NEVER
        self._unwritten = 0

    def frame(self, *, wanted: bool, anew: bool) -> None:
        """Wait for a frame that has begun or must come next, ``anew`` where another has come before; or for none."""
        if not wanted:
            self._frame_by = NEVER
        elif anew or self._frame_by == NEVER:
            self._frame_by = self._context.within(self._shared.read_seconds)

    def pong(self) -> None:
        """Wait for a PING's answer."""
        draining = self._shared.draining
        self._pong_by = self._context.within(DRAIN_SECONDS if draining else self._shared.read_seconds)

    def answered(self) -> None:
        """Take a PING's answer."""
        self._pong_by = NEVER

    def writable(self, unwritten: int) -> None:
        """Wait until the client takes what is written, so many bytes."""
        self._unwritten = unwritten
        seconds = self._shared.read_seconds + min(unwritten, HIGH_WATER) / SLOWEST
        self._written_by = self._context.within(seconds)

    def written(self) -> None:
        """Take notice that it has."""
        self._written_by = NEVER

    def closed(self) -> None:
        """Wait for nothing but the client's end of the connection."""
        self._written_by = self._context.within(LINGER_SECONDS)

    def expire(self) -> float:
        """Do what is due, and return when that is to be looked at again."""
        connection, now = self._connection, self._shared.now
        for time, give_up in tuple(self._all()):
            if time < now:
                give_up()
            if connection.over:
                break
        return min(time for time, _ in self._all())

    def _all(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """Yield what is to be done when, if nothing comes before."""
        connection = self._connection
        yield self._written_by, self._stuck
        if connection.over:
            return
        yield self._frame_by, self._too_slow
        yield self._pong_by, connection.silent
        for stream in tuple(self._context.streams.open.values()):
            yield stream.deadline, stream.expire
        if self._pong_by == NEVER:
            yield self.heard + self._shared.idle_seconds, connection.ask

    def _stuck(self) -> None:
        """Give up a client that does not take what is written, or takes it too slowly."""
        left = self._context.output.buffered
        if self._connection.over:
            self._connection.hang_up()
        elif self._unwritten - left < self._shared.read_seconds * SLOWEST:
            self._connection.abort()
        else:
            self.writable(left)

    def _too_slow(self) -> None:
        self._connection.fail(
            H2Error(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a frame has not come in {self._shared.read_seconds:g} seconds: send it faster, or raise "
                "SERVER_READ_SECONDS",
            )
        )
