"""Adaptive busy polling: poll for a short time before sleeping, since a sleeping CPU takes long to wake.

The server's processes use it too: keep it to the standard library and Python 3.8.
"""

from __future__ import annotations

import time

# The mean wait follows the last eight or so; longer waits are clipped to so many times the longest poll, so that the
# mean falls soon when they have become short.
WEIGHT = 1 / 8
CLIPPED = 4


class AdaptivePolling:
    """Whether to go on polling, which pays while waits are short.

    Where the mean wait is longer than the longest poll it does not poll at all: an idle process sleeps.

    Args:
        seconds: the longest that it polls; 0 turns it off.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._longest = CLIPPED * seconds
        self._mean = self._longest
        self._began = 0.0
        self._until = 0.0

    def begin(self) -> None:
        """Start, or go on with, a wait."""
        if self._seconds and not self._began:
            self._began = time.perf_counter()
            self._until = self._began + self._seconds if self._mean <= self._seconds else 0.0

    def goes_on(self) -> bool:
        """Return whether to poll once more."""
        return time.perf_counter() < self._until

    def end(self) -> None:
        """End a wait, and update the mean."""
        if self._began:
            waited = min(time.perf_counter() - self._began, self._longest)
            self._mean += (waited - self._mean) * WEIGHT
            self._began = self._until = 0.0
