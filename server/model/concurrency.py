"""How many calls are under way at the same time."""

from __future__ import annotations

# The share of the highest number that is kept when an answer comes, so that it follows the calls of late.
KEPT = 7 / 8


class Concurrency:
    """The number of calls under way, and the highest one of late."""

    def __init__(self) -> None:
        self._now = 0
        self._highest = 0.0

    def begin(self) -> None:
        """Count a call."""
        self._now += 1
        self._highest = max(self._highest, self._now)

    def end(self) -> None:
        """Count a call no more."""
        self._now -= 1

    def answered(self) -> None:
        """Take notice that the model has answered."""
        self._highest = max(self._highest * KEPT, self._now)

    def is_half(self, calls: int) -> bool:
        """Return whether so many calls are half of those that were under way at the same time, or more."""
        return 2 * calls >= self._highest
