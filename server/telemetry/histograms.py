"""The layout of shared cells: where each counter and histogram has its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from server.errors import BadSetting

# Powers of two: what a batch has.
CALLS = tuple(float(2**power) for power in range(10))
ROWS = tuple(float(2**power) for power in range(13))
# Those of the orchestrator of Seldon Core 1.17.1 (executor/api/metric/constants.go).
ORCHESTRATOR = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
MOST_BUCKETS = 100


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram's cells from ``start`` on: a count for each bucket, the last one's being +Inf, and the sum.

    ``bounds`` are the upper bounds of the buckets but for the last, which values may equal.
    """

    start: int
    bounds: tuple[float, ...]

    @property
    def total(self) -> int:
        """The cell of the sum."""
        return self.start + len(self.bounds) + 1

    @property
    def end(self) -> int:
        """The first cell behind it."""
        return self.total + 1


class Layout:
    """Gives cells away, one after the other."""

    def __init__(self) -> None:
        self.size = 0

    def cell(self) -> int:
        """Return the next cell."""
        self.size += 1
        return self.size - 1

    def cells(self, names: Sequence[str]) -> dict[str, int]:
        """Return a cell for each name."""
        return {name: self.cell() for name in names}

    def histogram(self, bounds: Sequence[float]) -> Histogram:
        """Return the cells of a histogram."""
        made = Histogram(self.size, tuple(bounds))
        self.size = made.end
        return made


def parsed(text: str) -> tuple[float, ...]:
    """Return the bounds that SERVER_METRICS_BUCKETS names.

    Raises:
        BadSetting: they are no numbers above 0 that rise, or too many.
    """
    try:
        bounds = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        bounds = ()
    rising = all(left < right for left, right in pairwise((0.0, *bounds, math.inf)))
    if not bounds or not rising or len(bounds) > MOST_BUCKETS:
        raise BadSetting(
            f"SERVER_METRICS_BUCKETS={text!r}: must be numbers of seconds that rise, each above 0 and at most {MOST_BUCKETS} of "
            "them, as in `0.001 0.01 0.1 1`"
        )
    return bounds
