"""The byte budget: the memory that requests in progress may take, over all connections, interfaces and processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.container import memory
from server.errors import BudgetFull, TooCostly
from server.shared_counter import SharedCounter

# The rest of the container's memory is the processes' own, the model's, and what it makes of a request.
SHARE = 3 / 8
# The largest body by default, and the part of the container's memory that it may be.
BODY_BYTES, BODY_PART = 8 * 1024 * 1024, 128
# What costs less may take the last quarter of the budget too: large requests never keep small ones out.
SMALL, RESERVE = 256 * 1024, 1 / 4

# The most that orjson and the decoding to a table took for JSON that is nothing but one of these, in bytes (CPython 3.11
# to 3.13, 8 MB of each), rounded up: per value, per list, per object and per member of one.
_VALUE, _LIST, _OBJECT, _MEMBER = 120, 64, 240, 100
# Text is decoded to one byte a character, or several times that where it is not ASCII, beside the body itself.
_ASCII, _WIDE = 2, 9


def default_limit() -> int:
    """Return the budget that fits the container, in bytes."""
    return int(memory() * SHARE)


def default_body_bytes() -> int:
    """Return the largest body that fits the container, in bytes."""
    return min(BODY_BYTES, memory() // BODY_PART)


def json_cost(body: bytes) -> int:
    """Return an upper bound of the memory that JSON takes once it is parsed, in bytes, without parsing it."""
    cost = len(body) * (_ASCII if body.isascii() else _WIDE) + _VALUE * (body.count(b",") + 1)
    return cost + _LIST * body.count(b"[") + _OBJECT * body.count(b"{") + _MEMBER * body.count(b":")


class ByteBudget:
    """A number of bytes that requests acquire and release.

    Args:
        limit: how many bytes all of them may take at a time.
        taken: counts what is taken, in all processes of the server.
    """

    def __init__(self, limit: int, taken: SharedCounter | None = None) -> None:
        self.limit = limit
        self._taken = taken or SharedCounter()

    def become(self, process: int) -> None:
        """Count as process number ``process`` from now on, 0 being the first."""
        self._taken.become(process)

    @property
    def taken(self) -> int:
        """How many bytes are taken."""
        return self._taken.total

    def acquire(self, cost: int, *, beside: int = 0) -> None:
        """Acquire ``cost`` bytes, to be released, for a request that has acquired ``beside`` bytes already.

        Raises:
            TooCostly: a request can never take as many.
            BudgetFull: others have taken too many for now.
        """
        total = cost + beside
        limit = self.limit if total <= SMALL else int(self.limit * (1 - RESERVE))
        if total > limit:
            raise TooCostly(
                f"the request takes up to {total} bytes of memory once it is parsed: it may take {limit}; send fewer rows "
                "at a time, or raise the container's memory limit (or SERVER_BUDGET_BYTES)"
            )
        if self._taken.total + cost > limit:
            raise BudgetFull(
                f"the requests under way take {self._taken.total} of {self.limit} bytes of memory: this one has to wait; "
                "send it again later, or raise the container's memory limit (or SERVER_BUDGET_BYTES)"
            )
        self._taken.add(cost)

    def release(self, cost: int) -> None:
        """Give bytes back."""
        self._taken.add(-cost)

    @contextmanager
    def reserved(self, cost: int) -> Iterator[None]:
        """Acquire ``cost`` bytes for the time of the context; raises as ``acquire``."""
        self.acquire(cost)
        try:
            yield
        finally:
            self.release(cost)
