"""How many CPUs a container has, from the files of the kernel."""

from __future__ import annotations

import os

import pytest

from server.container import available_cpus

HAVE = len(os.sched_getaffinity(0))
V1 = "4:cpu,cpuacct:{path}\n3:memory:{path}\n"

CASES = {
    "no files": ({}, HAVE),
    "version 2": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
    "version 2 without a limit": (
        {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000\n"},
        HAVE,
    ),
    "version 2, the limit of a group around it": (
        {
            "proc/self/cgroup": "0::/pod/container",
            "sys/fs/cgroup/pod/container/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod/cpu.max": "75000 100000\n",
        },
        0.75,
    ),
    "version 1": (
        {
            "proc/self/cgroup": V1.format(path="/pod"),
            "sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us": "25000\n",
            "sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us": "100000\n",
        },
        0.25,
    ),
    "version 1 without a limit": (
        {
            "proc/self/cgroup": V1.format(path="/"),
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
        HAVE,
    ),
    "version 1 in a container, which sees its own group as the root": (
        {
            "proc/self/cgroup": V1.format(path="/kubepods/pod1/2"),
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "90000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
        0.9,
    ),
    "more than there are": ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "99900000 100000\n"}, HAVE),
}


@pytest.mark.parametrize(("files", "count"), CASES.values(), ids=CASES)
def test_the_least_limit_counts(tmp_path, files, count):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert available_cpus(root=tmp_path) == max(1, int(count))


@pytest.mark.parametrize(
    ("request_", "count"), [(0, HAVE), (250, 1), (1000, 1), (1500, min(2, HAVE)), (999_000, HAVE)]
)
def test_without_a_limit_the_request_counts_rounded_up(tmp_path, request_, count):
    assert available_cpus(request_, tmp_path) == count


def test_a_limit_counts_before_the_request(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/")
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("100000 100000\n")
    assert available_cpus(8000, tmp_path) == 1
