"""The control groups (cgroups v1 and v2) of this process, with their parents.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html and https://docs.kernel.org/admin-guide/cgroup-v1/
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def folders(root: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """Yield the version, 1 or 2, and the folder of each group that a controller may have a limit in.

    Args:
        root: where /proc and /sys/fs/cgroup are.
        controller: its name in version 1.
    """
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from ((2, folder) for folder in _upwards(root / "sys/fs/cgroup", path))
        elif controller in controllers.split(","):
            yield from ((1, folder) for folder in _upwards(root / "sys/fs/cgroup" / controllers, path))


def read(path: Path) -> str:
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
