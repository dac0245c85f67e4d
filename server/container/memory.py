"""How much memory this process may use: the machine's, or its container's limit.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files (memory.max) and
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html (memory.limit_in_bytes).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from server.container.cgroups import ROOT, folders, read

_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}


def memory(root: Path = ROOT) -> int:
    """Return the least limit in bytes; a group without one says "max" or more than the machine has.

    Args:
        root: where /proc and /sys/fs/cgroup are.
    """
    return min(_machine(root), *_limits(root), 2**62)


def _machine(root: Path) -> int:
    for line in read(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * 1024
    return 2**62


def _limits(root: Path) -> Iterator[int]:
    for version, folder in folders(root, "memory"):
        text = read(folder / _FILES[version])
        if text.isdecimal() and int(text) > 0:
            yield int(text)
