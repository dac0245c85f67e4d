"""Numbers and short texts in memory that the server's processes share: each writes its own, whoever is scraped adds them up.

The memory is mapped before the processes are forked. It outlives each of them, so what a dead one has counted stays.
"""

from __future__ import annotations

import mmap
import zlib

import numpy as np

_DOUBLE = 8
_HEAD = 8


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
