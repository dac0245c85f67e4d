"""How fast calls come and the model answers: whether a batch shall be split for both to work at the same time."""

from __future__ import annotations

# What a call of REST costs the edge: 80 µs where docs/benchmark.md was measured, half of it in the kernel; half as much more
# where the machine has other work.
EDGE_SECONDS = 120e-6
# The share of the highest number that is kept when an answer comes, so that it follows the calls of late.
KEPT = 7 / 8
WEIGHT = 1 / 8


class Pace:
    """The calls under way and the highest number of late, and how long the model takes for a batch of late."""

    def __init__(self) -> None:
        self._calls = 0
        self._highest = 0.0
        self._seconds = 0.0

    def begin(self) -> None:
        """Count a call."""
        self._calls += 1
        self._highest = max(self._highest, self._calls)

    def end(self) -> None:
        """Count a call no more."""
        self._calls -= 1

    def answered(self, seconds: float | None) -> None:
        """Take notice of an answer, and of how long the model took for it where it says so."""
        if seconds is not None:
            self._seconds = self._seconds + (seconds - self._seconds) * WEIGHT if self._seconds else seconds
        self._highest = max(self._highest * KEPT, self._calls)

    @property
    def overlaps(self) -> bool:
        """Whether the edge takes longer for all calls than the model for a batch.

        Two batches, of which the model does one while the edge does the other, are faster than one then. Of a model that
        takes longer, two would take twice as long where the number of rows does not matter.
        """
        return 0 < self._seconds <= self._highest * EDGE_SECONDS

    def is_half(self, calls: int) -> bool:
        """Return whether so many calls are half of those that are under way, or more."""
        return 2 * calls >= self._highest
