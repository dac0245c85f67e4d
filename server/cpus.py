"""How many CPUs this process may use: those that it may run on, and its container's limit.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files (cpu.max) and
https://docs.kernel.org/scheduler/sched-bwc.html (cgroup v1: cpu.cfs_quota_us and cpu.cfs_period_us).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def cpus(root: Path = ROOT) -> float:
    """Return the number of CPUs, a fraction where the limit is one.

    Args:
        root: where /proc and /sys/fs/cgroup are.
    """
    return min(float(len(os.sched_getaffinity(0))), *_limits(root), float("inf"))


def whole_cpus(root: Path = ROOT) -> int:
    """Return the number of CPUs that can be kept busy all the time, at least 1."""
    return max(1, int(cpus(root)))


def _limits(root: Path) -> Iterator[float]:
    """Yield the limit of every control group that this process is in, the outer ones too."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for folder in _upwards(root / "sys/fs/cgroup", path):
                quota, _, period = _read(folder / "cpu.max").partition(" ")
                yield from _limit(quota, period)
        elif "cpu" in controllers.split(","):
            for folder in _upwards(root / "sys/fs/cgroup" / controllers, path):
                yield from _limit(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and those around it. In a container without a namespace of its own only the last is there."""
    folder = mount / path.lstrip("/")
    yield folder
    while folder != mount:
        folder = folder.parent
        yield folder


def _limit(quota: str, period: str) -> Iterator[float]:
    """Yield microseconds of CPU time for microseconds of time, if there is a limit (neither "max" nor -1)."""
    try:
        share = int(quota) / int(period)
    except ValueError:
        return
    if share > 0:
        yield share


def _read(path: Path) -> str:
    """Return what a file of the kernel says, or nothing where the kernel has none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
