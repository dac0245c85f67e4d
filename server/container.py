"""What the container gives this process: CPUs, memory, file descriptors, the pod's annotations.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max, memory.max), of cgroups v1
https://docs.kernel.org/scheduler/sched-bwc.html (cpu.cfs_quota_us, cpu.cfs_period_us) and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html (memory.limit_in_bytes), and
https://kubernetes.io/docs/concepts/workloads/pods/downward-api/.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import resource
from collections.abc import Iterator
from pathlib import Path

from server import operating_system

log = logging.getLogger(__name__)

ROOT = Path("/")
_MEMORY_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}
# Runtimes of containers give 1,024 for the sake of old programs that use select(2), and let a program raise it.
ENOUGH = 65_536
# Errors of a system without a descriptor or memory for one more.
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
ANNOTATIONS = Path("/etc/podinfo/annotations")


def _groups(root: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """Yield the version, 1 or 2, and the folder of each group that a controller may have a limit in.

    Args:
        root: where /proc and /sys/fs/cgroup are.
        controller: its name in version 1.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from ((2, folder) for folder in _upwards(root / "sys/fs/cgroup", path))
        elif controller in controllers.split(","):
            yield from ((1, folder) for folder in _upwards(root / "sys/fs/cgroup" / controllers, path))


def _read(path: Path) -> str:
    """Return the text of a kernel file, empty where the kernel does not have it."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and those around it. In a container without a namespace of its own only the last is there."""
    folder = mount / path.lstrip("/")
    yield folder
    while folder != mount:
        folder = folder.parent
        yield folder


def available_cpus(request: int = 0, root: Path = ROOT) -> int:
    """Return for how many CPUs to start processes and threads, at least 1.

    That is the container's limit, rounded down, so that all of them can be busy all the time. Without a limit others have a
    right to all CPUs of the machine but those that the container asks for: it is these, rounded up. Where it asks for none
    either, as outside of Kubernetes, all are its own.

    Args:
        request: the container's request in thousandths of a CPU, 0 where there is none or it is not known.
        root: where /proc and /sys/fs/cgroup are.
    """
    have = operating_system.cpus()
    limit = min(_cpu_limits(root), default=None)
    if limit is not None:
        return max(1, min(have, int(limit)))
    return min(have, math.ceil(request / 1000)) if request else have


def _cpu_limits(root: Path) -> Iterator[float]:
    """Yield the limit of every control group that this process is in, the outer ones too."""
    for version, folder in _groups(root, "cpu"):
        if version == 2:
            quota, _, period = _read(folder / "cpu.max").partition(" ")
            yield from _cpu_limit(quota, period)
        else:
            yield from _cpu_limit(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _cpu_limit(quota: str, period: str) -> Iterator[float]:
    """Yield microseconds of CPU time for microseconds of time, if there is a limit (neither "max" nor -1)."""
    try:
        share = int(quota) / int(period)
    except ValueError:
        return
    if share > 0:
        yield share


def memory(root: Path = ROOT) -> int:
    """Return the least limit in bytes; a group without one says "max" or more than the machine has.

    Args:
        root: where /proc and /sys/fs/cgroup are.
    """
    return min(_machine(root), *_memory_limits(root), 2**62)


def _machine(root: Path) -> int:
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * 1024
    return operating_system.memory()


def _memory_limits(root: Path) -> Iterator[int]:
    for version, folder in _groups(root, "memory"):
        text = _read(folder / _MEMORY_FILES[version])
        if text.isdecimal() and int(text) > 0:
            yield int(text)


def file_descriptor_limit() -> int:
    """Return how many this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_file_descriptor_limit() -> None:
    """Raise the limit of this process and those that it starts, to enough or as far as it may."""
    operating_system.raise_descriptor_limit(ENOUGH)


def read_annotations(file: Path = ANNOTATIONS) -> dict[str, str]:
    """Return the annotations, or none where there is no such file.

    A line that is not a name, an equals sign and a quoted value is logged and passed over.
    """
    if not file.is_file():
        return {}
    found = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, quoted = line.partition("=")
        try:
            value = json.loads(quoted)
        except ValueError:
            value = None
        if isinstance(value, str):
            found[name] = value
        else:
            log.warning('%s: %r is passed over: it must be name="value"', file, line)
    return found
