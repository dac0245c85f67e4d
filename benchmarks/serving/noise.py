"""How quiet the machine was: CPU time that neither the server nor the load generator took."""

from __future__ import annotations

import os
import time
from pathlib import Path

from server.operating_system import cpus

STAT = Path("/proc/stat")
# The part of the cores that others may take in a measurement which counts.
QUIET = 0.05


class Watch:
    """What all processes of the machine take from now on, in CPU seconds, those of other virtual machines included."""

    def __init__(self) -> None:
        self._began, self._busy = time.monotonic(), busy(STAT.read_text())

    def noise(self, own: float) -> float:
        """Return the part of the cores that others took, where ``own`` is what the server and the generator took."""
        seconds = time.monotonic() - self._began
        return max(0.0, busy(STAT.read_text()) - self._busy - own) / (seconds * cpus())


def busy(stat: str) -> float:
    """Return the CPU seconds that were not idle, and those that the hypervisor gave to others (proc_stat(5))."""
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
