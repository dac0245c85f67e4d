"""CPU, memory and descriptors of a process, and connections of a port, as Linux tells of them (proc(5))."""

from __future__ import annotations

import os
import re
import time
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UNLIMITED = float("inf")
_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_ESTABLISHED = "01"


class ProcessStats(NamedTuple):
    """A process: CPU time and start (since the epoch) in seconds, resident memory in bytes, its descriptors and their limit.

    ``open_fds`` is -1 where this process may not look at them.
    """

    cpu_seconds: float
    start_seconds: float
    resident_bytes: float
    open_fds: float
    max_fds: float


def process_stats(pid: int, open_fds: float | None = None) -> ProcessStats | None:
    """Return the numbers of a process, or None where it has ended; ``open_fds`` where they are known already."""
    try:
        # The name of the program, in parentheses, may hold anything.
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        limit = _max_fds(pid, int(fields[19]))
        descriptors = _open_fds(pid) if open_fds is None else open_fds
    except (OSError, IndexError):
        return None
    return ProcessStats(
        (int(fields[11]) + int(fields[12])) / _TICKS,
        _boot() + int(fields[19]) / _TICKS,
        int(fields[21]) * _PAGE,
        descriptors,
        limit,
    )


def _read(file: str) -> bytes:
    """Return what a small file has; pathlib's way takes three times as long, and this is done at each scrape."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _open_fds(pid: int) -> float:
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return sum(1 for _ in entries)
    except PermissionError:
        return -1


@cache
def _boot() -> float:
    """Return when the clock of processes' starts was at 0."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


@lru_cache(maxsize=64)
def _max_fds(pid: int, start: int) -> float:
    """Return the limit of a process's descriptors, which nobody changes once it runs."""
    for line in Path(f"/proc/{pid}/limits").read_bytes().splitlines():
        if line.startswith(b"Max open files"):
            soft = line.split()[3]
            return _UNLIMITED if soft == b"unlimited" else float(soft)
    return _UNLIMITED


def connections(port: int) -> int:
    """Return how many connections a port of this machine, or pod, has that were opened to it."""
    # The number of the line, the local address and port, the other's, and the state.
    line = re.compile(
        rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:[0-9A-F]+ {_ESTABLISHED} ".encode(), re.MULTILINE
    )
    return sum(len(line.findall(table.read_bytes())) for table in map(Path, _TABLES) if table.exists())
