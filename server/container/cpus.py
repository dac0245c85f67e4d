"""How many CPUs this process may use: those that it may run on, and its container's limit or, without one, its request.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files (cpu.max) and
https://docs.kernel.org/scheduler/sched-bwc.html (cgroup v1: cpu.cfs_quota_us and cpu.cfs_period_us).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from server.container.cgroups import ROOT, folders, read


def available_cpus(request: int = 0, root: Path = ROOT) -> int:
    """Return for how many CPUs to start processes and threads, at least 1.

    That is the container's limit, rounded down, so that all of them can be busy all the time. Without a limit others have a
    right to all CPUs of the machine but those that the container asks for: it is these, rounded up. Where it asks for none
    either, as outside of Kubernetes, all are its own.

    Args:
        request: the container's request in thousandths of a CPU, 0 where there is none or it is not known.
        root: where /proc and /sys/fs/cgroup are.
    """
    have = len(os.sched_getaffinity(0))
    limit = min(_limits(root), default=None)
    if limit is not None:
        return max(1, min(have, int(limit)))
    return min(have, math.ceil(request / 1000)) if request else have


def _limits(root: Path) -> Iterator[float]:
    """Yield the limit of every control group that this process is in, the outer ones too."""
    for version, folder in folders(root, "cpu"):
        if version == 2:
            quota, _, period = read(folder / "cpu.max").partition(" ")
            yield from _limit(quota, period)
        else:
            yield from _limit(read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us"))


def _limit(quota: str, period: str) -> Iterator[float]:
    """Yield microseconds of CPU time for microseconds of time, if there is a limit (neither "max" nor -1)."""
    try:
        share = int(quota) / int(period)
    except ValueError:
        return
    if share > 0:
        yield share
