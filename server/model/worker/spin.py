"""How long to look for what comes next before sleeping: a CPU that fell asleep takes long to wake.

The server's processes use it too: keep it to the standard library and Python 3.8.
"""

from __future__ import annotations

import time

# The mean wait follows the last eight or so; longer waits count as so many times the longest look, so that it is found
# out soon when they have become short.
WEIGHT = 1 / 8
CLIPPED = 4


class Spin:
    """Whether to go on looking, which pays while waits are short.

    Where waits take longer than a look on average, there is none: a process that has little to do sleeps.

    Args:
        seconds: how long to look at most; 0 is never.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._longest = CLIPPED * seconds
        self._mean = self._longest
        self._began = 0.0
        self._until = 0.0

    def begin(self) -> None:
        """Take notice that a wait begins, or goes on."""
        if self._seconds and not self._began:
            self._began = time.perf_counter()
            self._until = self._began + self._seconds if self._mean <= self._seconds else 0.0

    def goes_on(self) -> bool:
        """Return whether to look once more."""
        return time.perf_counter() < self._until

    def end(self) -> None:
        """Take notice that what was waited for has come."""
        if self._began:
            waited = min(time.perf_counter() - self._began, self._longest)
            self._mean += (waited - self._mean) * WEIGHT
            self._began = self._until = 0.0
