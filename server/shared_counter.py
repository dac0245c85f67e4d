"""A counter in memory that the server's processes share."""

from __future__ import annotations

import mmap

_BYTES = 8


class SharedCounter:
    """A sum of one number for each process, in memory that they share since they were forked.

    Each process writes its own number only, so that none waits for another.
    """

    def __init__(self, processes: int = 1) -> None:
        self._numbers = memoryview(mmap.mmap(-1, _BYTES * processes)).cast("q")
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
