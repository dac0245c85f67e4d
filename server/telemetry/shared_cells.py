"""Numbers, short texts and exemplars in memory that the server's processes share, and where each counter and histogram has its own.

Each process writes its own, whoever is scraped adds them up. An exemplar is the last trace that was counted in a bucket of a
histogram: https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars
"""

from __future__ import annotations

import math
import mmap
import struct
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from server.errors import BadSetting

_DOUBLE = 8
_HEAD = 8
# Powers of two: what a batch has.
CALLS = tuple(float(2**power) for power in range(10))
ROWS = tuple(float(2**power) for power in range(13))
# Those of the orchestrator of Seldon Core 1.17.1 (executor/api/metric/constants.go).
ORCHESTRATOR = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
MOST_BUCKETS = 100
# The trace's id, the value, and when, in seconds since the epoch.
_EXEMPLAR = struct.Struct("16sdd")


class SharedCells:
    """A row of doubles for each process; none waits for another, since each writes its own row only.

    A double counts exactly up to 2**53.

    Args:
        processes: how many rows.
        cells: how many doubles a row has.
    """

    def __init__(self, processes: int, cells: int) -> None:
        memory = mmap.mmap(-1, max(1, processes * cells) * _DOUBLE)
        self._all = memoryview(memory).cast("d")
        self._rows = np.frombuffer(memory, dtype=np.float64).reshape(-1, max(1, cells))
        self._cells = cells
        self.mine = self.row(0)

    def become(self, process: int) -> None:
        """Write the row of another process from now on: its number, 0 being the first one's."""
        self.mine = self.row(process)

    def row(self, process: int) -> memoryview[float]:
        """Return the row of a process."""
        return self._all[process * self._cells : (process + 1) * self._cells]

    def totals(self, start: int, end: int) -> list[float]:
        """Return the sum over all processes of each cell from ``start`` on and before ``end``."""
        totals: list[float] = self._rows[:, start:end].sum(axis=0).tolist()
        return totals

    def used(self, start: int, step: int) -> list[int]:
        """Return which cells of ``start``, ``start + step``, … are above 0 in a process, counted from 0."""
        used: list[int] = np.flatnonzero(self._rows[:, start::step].any(axis=0)).tolist()
        return used


class SharedTexts:
    """A text for each process, which that alone writes and all may read.

    A checksum before it tells a reader that it has read half of an old text and half of a new one: then it reads again.

    Args:
        processes: how many.
        most: how many bytes a text may have; an attribute too.
    """

    def __init__(self, processes: int, most: int) -> None:
        self.most = most
        self._processes = processes
        # Pages that nobody writes take no memory.
        self._memory = memoryview(mmap.mmap(-1, processes * (_HEAD + most)))
        self._mine = 0
        self._last = [b""] * processes

    def become(self, process: int) -> None:
        """Write the text of another process from now on: its number, 0 being the first one's."""
        self._mine = process

    def write(self, text: bytes) -> bool:
        """Write this process's text, and return whether there is room for it."""
        if len(text) > self.most:
            return False
        start = self._mine * (_HEAD + self.most)
        head = len(text).to_bytes(4, "little") + zlib.crc32(text).to_bytes(4, "little")
        self._memory[start : start + _HEAD + len(text)] = head + text
        return True

    def read(self) -> list[bytes]:
        """Return the text of each process, or the one read before where that process is writing all the time."""
        for process in range(self._processes):
            start = process * (_HEAD + self.most)
            for _ in range(10):
                head = bytes(self._memory[start : start + _HEAD])
                length, checksum = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
                text = bytes(self._memory[start + _HEAD : start + _HEAD + min(length, self.most)])
                if zlib.crc32(text) == checksum:
                    self._last[process] = text
                    break
        return self._last


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


class Exemplar(NamedTuple):
    """A trace and what it has added to a bucket."""

    trace_id: str
    value: float
    timestamp: float


class SharedExemplars:
    """An exemplar for each bucket and process, in memory that the processes share since they were forked.

    Args:
        processes: how many.
        buckets: how many buckets each of them has.
    """

    def __init__(self, processes: int, buckets: int) -> None:
        self._size = buckets * _EXEMPLAR.size
        self._processes = processes
        # Pages that nobody writes take no memory.
        self._memory = memoryview(mmap.mmap(-1, max(1, processes * self._size)))
        self._noted = memoryview(mmap.mmap(-1, 1))
        self._start = 0

    @property
    def any(self) -> bool:
        """Whether a bucket has an exemplar: without traces none has."""
        return bool(self._noted[0])

    def become(self, process: int) -> None:
        """Write those of another process from now on: its number, 0 being the first one's."""
        self._start = process * self._size

    def note(self, bucket: int, trace_id: str, value: float) -> None:
        """Keep a trace, by its id of 32 hex digits, as the last one of a bucket."""
        start = self._start + bucket * _EXEMPLAR.size
        self._memory[start : start + _EXEMPLAR.size] = _EXEMPLAR.pack(
            bytes.fromhex(trace_id), value, time.time()
        )
        self._noted[0] = 1

    def last(self, bucket: int) -> Exemplar | None:
        """Return the last one of a bucket over all processes, or None where it has none."""
        found = (
            _EXEMPLAR.unpack_from(self._memory, process * self._size + bucket * _EXEMPLAR.size)
            for process in range(self._processes)
        )
        trace_id, value, timestamp = max(found, key=lambda each: float(each[2]))
        return Exemplar(trace_id.hex(), value, timestamp) if timestamp else None
