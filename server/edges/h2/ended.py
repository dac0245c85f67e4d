"""How streams have ended, for a while, to tell frames that come late from frames that are wrong."""

from __future__ import annotations

from enum import Enum

# As many as may be open, to which frames may be on their way; and as many as only tell what is wrong by its right name.
MOST_LEFT, MOST_OTHER = 2048, 100


class End(Enum):
    """How a stream has ended: whole, by the client, or by the server before the client had sent all."""

    WHOLE = 0
    RESET = 1
    LEFT = 2


class Ended:
    """The streams that have ended, as far as they are remembered."""

    def __init__(self) -> None:
        self._left: dict[int, End] = {}
        self._other: dict[int, End] = {}

    def add(self, number: int, end: End) -> None:
        """Remember a stream."""
        there, most = (self._left, MOST_LEFT) if end is End.LEFT else (self._other, MOST_OTHER)
        there[number] = end
        if len(there) > most:
            del there[next(iter(there))]

    def get(self, number: int) -> End | None:
        """Return how a stream has ended, or None where that is not remembered."""
        return self._left.get(number) or self._other.get(number)
