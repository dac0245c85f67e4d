"""How much of what costs a client nothing it may have the server do."""

from __future__ import annotations


class Budget:
    """A number that is spent, and grows again with time up to where it began.

    Args:
        most: what it is at the beginning, and at most.
        rate: how much it grows per second.
    """

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, most: float, rate: float) -> None:
        self._most = self._left = most
        self._rate = rate
        self._at = 0.0

    def spend(self, amount: float, now: float) -> bool:
        """Return whether that much was left at a time in seconds."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate) - amount
        self._at = now
        return self._left >= 0

    def earn(self, amount: float) -> None:
        """Have more, for work that was asked for rightly."""
        self._left += amount
