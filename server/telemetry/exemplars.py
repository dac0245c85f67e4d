"""Exemplars: the last trace that was counted in a bucket of a histogram.

Format: https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars
"""

from __future__ import annotations

import mmap
import struct
import time
from typing import NamedTuple

# The trace's id, the value, and when, in seconds since the epoch.
_EXEMPLAR = struct.Struct("16sdd")


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
