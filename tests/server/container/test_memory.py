"""How much memory a container has, from the files of the kernel."""

from __future__ import annotations

import pytest

from server.container import memory
from server.shared_state import default_body_bytes

MACHINE = {"proc/meminfo": "MemTotal:       16777216 kB\nMemFree: 1 kB\n"}
MIB = 1024**2
CASES = {
    "the machine's": ({}, 16 * 1024 * MIB),
    "version 2": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "1073741824\n"}, 1024 * MIB),
    "version 2 without a limit": (
        {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max\n"},
        16 * 1024 * MIB,
    ),
    "version 2, the limit of a group around it": (
        {
            "proc/self/cgroup": "0::/pod/container",
            "sys/fs/cgroup/pod/container/memory.max": "max\n",
            "sys/fs/cgroup/pod/memory.max": "536870912\n",
        },
        512 * MIB,
    ),
    "version 1 in a container": (
        {
            "proc/self/cgroup": "3:memory:/kubepods/pod1/2\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456\n",
        },
        256 * MIB,
    ),
    "version 1 without a limit": (
        {
            "proc/self/cgroup": "3:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
        16 * 1024 * MIB,
    ),
}


@pytest.mark.parametrize(("files", "size"), CASES.values(), ids=CASES)
def test_the_least_limit_counts(tmp_path, files, size):
    for name, text in (MACHINE | files).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory(tmp_path) == size


@pytest.mark.parametrize(
    ("limit", "body"), [(1024 * MIB, 8 * MIB), (512 * MIB, 4 * MIB), (64 * 1024 * MIB, 8 * MIB)]
)
def test_the_largest_body_fits_the_container(monkeypatch, limit, body):
    monkeypatch.setattr("server.shared_state.memory", lambda: limit)
    assert default_body_bytes() == body
