"""Heartbeats of the event loops of the server's processes, in shared memory."""

from __future__ import annotations

import asyncio
import mmap
import time

BEAT_SECONDS = 0.5
# How long a loop may be held before the server counts as hanging: the longest work that is done at once takes less.
SILENT_SECONDS = 20.0
_BYTES = 8
_NEVER = 2**63 - 1


class Heartbeats:
    """The time of each process's last heartbeat, in memory that they share since they were forked.

    The clock is the system's monotonic one, which all processes read alike.
    """

    def __init__(self, processes: int = 1) -> None:
        self._times = memoryview(mmap.mmap(-1, _BYTES * processes)).cast("q")
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
