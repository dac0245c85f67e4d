"""The state that the server's processes share, in memory mapped before they are forked: counters, byte budget, heartbeats, metrics.

The byte budget is the memory that requests in progress may take, over all connections, interfaces and processes.
"""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from server.container import memory
from server.errors import BudgetFull, TooCostly
from server.settings import ServeSettings
from server.telemetry.server_metrics import ServerMetrics

_NUMBER_BYTES = 8
# The rest of the container's memory is the processes' own, the model's, and what it makes of a request.
SHARE = 3 / 8
# The largest body by default, and the part of the container's memory that it may be.
BODY_BYTES, BODY_PART = 8 * 1024 * 1024, 128
# What costs less may take the last quarter of the budget too: large requests never keep small ones out.
SMALL, RESERVE = 256 * 1024, 1 / 4

BEAT_SECONDS = 0.5
# How long a loop may be held before the server counts as hanging: the longest work that is done at once takes less.
SILENT_SECONDS = 20.0
_TIME_BYTES = 8
_NEVER = 2**63 - 1


class SharedCounter:
    """A sum of one number for each process, in memory that they share since they were forked.

    Each process writes its own number only, so that none waits for another.
    """

    def __init__(self, processes: int = 1) -> None:
        self._numbers = memoryview(mmap.mmap(-1, _NUMBER_BYTES * processes)).cast("q")
        self._mine = 0

    def become(self, process: int) -> None:
        """Count for another process from now on: its number, 0 being the first one's."""
        self._mine = process

    def add(self, count: int) -> None:
        """Change this process's number."""
        self._numbers[self._mine] += count

    @property
    def processes(self) -> int:
        """How many processes count."""
        return len(self._numbers)

    @property
    def total(self) -> int:
        """The sum over all processes."""
        return sum(self._numbers)

    @property
    def least(self) -> bool:
        """Whether no process has a lower number than this one."""
        return self._numbers[self._mine] == min(self._numbers)


def default_limit() -> int:
    """Return the budget that fits the container, in bytes."""
    return int(memory() * SHARE)


def default_body_bytes() -> int:
    """Return the largest body that fits the container, in bytes."""
    return min(BODY_BYTES, memory() // BODY_PART)


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
    def reserved(self, cost: int) -> Iterator[Callable[[int], None]]:
        """Acquire ``cost`` bytes for the time of the context, which yields what acquires more; both raise as ``acquire``."""
        taken = 0

        def more(extra: int) -> None:
            nonlocal taken
            self.acquire(extra, beside=taken)
            taken += extra

        more(cost)
        try:
            yield more
        finally:
            self.release(taken)


class Heartbeats:
    """The time of each process's last heartbeat, in memory that they share since they were forked.

    The clock is the system's monotonic one, which all processes read alike.
    """

    def __init__(self, processes: int = 1) -> None:
        self._times = memoryview(mmap.mmap(-1, _TIME_BYTES * processes)).cast("q")
        self._mine = 0
        # A process that has not begun yet has as long as one that is held.
        for process in range(processes):
            self._times[process] = time.monotonic_ns()

    def become(self, process: int) -> None:
        """Record the heartbeats of process number ``process`` from now on, 0 being the first."""
        self._mine = process

    async def beat(self) -> None:
        """Record a heartbeat at every interval while the event loop runs, until cancelled."""
        while True:
            self._times[self._mine] = time.monotonic_ns()
            await asyncio.sleep(BEAT_SECONDS)

    def leave(self) -> None:
        """Beat no more: the process ends, and the others may go on for as long as they drain."""
        self._times[self._mine] = _NEVER

    @property
    def silence(self) -> float:
        """Seconds since the oldest last heartbeat of a process that has not left."""
        return max(0.0, (time.monotonic_ns() - min(self._times)) / 1e9)


class SharedState:
    """Memory that the processes share since they were forked.

    ``waiting`` counts the calls that wait for the model, ``connections`` those of the REST interface; ``budget`` is what
    requests under way may take, ``heartbeats`` are those of the event loops, ``metrics`` what Prometheus asks for.

    Args:
        settings: how the node was configured.
        server_processes: how many processes take connections of the REST interface.
        others: the names of those beside them.
    """

    def __init__(
        self, settings: ServeSettings, server_processes: int = 1, others: Sequence[str] = ()
    ) -> None:
        names = [*(f"rest-{number}" for number in range(server_processes)), *others]
        self._server_processes = server_processes
        self.connections = SharedCounter(server_processes)
        self.waiting, taken = SharedCounter(len(names)), SharedCounter(len(names))
        self.budget = ByteBudget(settings.budget_bytes or default_limit(), taken)
        self.heartbeats = Heartbeats(len(names))
        self.metrics = ServerMetrics(settings, names)

    def become(self, process: int) -> None:
        """Count as process number ``process`` from now on, 0 being the first."""
        self.waiting.become(process)
        self.budget.become(process)
        self.heartbeats.become(process)
        self.metrics.become(process)
        if process < self._server_processes:
            self.connections.become(process)
