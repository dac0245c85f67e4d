"""CPUs and memory of a container, from the files of the kernel, and the pod annotations as Kubernetes writes them."""

from __future__ import annotations

import logging

import pytest

from server import operating_system
from server.container import available_cpus, memory, read_annotations
from server.shared_state import default_body_bytes

HAVE = operating_system.cpus()
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
MACHINE = {"proc/meminfo": "MemTotal:       16777216 kB\nMemFree: 1 kB\n"}
MIB = 1024**2
MEMORY_CASES = {
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


@pytest.mark.parametrize(("files", "size"), MEMORY_CASES.values(), ids=MEMORY_CASES)
def test_the_least_limit_of_memory_counts(tmp_path, files, size):
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


def test_annotations(tmp_path):
    file = tmp_path / "annotations"
    file.write_text('seldon.io/grpc-max-message-size="1000"\nnote="a \\"b\\"=c\\nd"\n')
    assert read_annotations(file) == {"seldon.io/grpc-max-message-size": "1000", "note": 'a "b"=c\nd'}


def test_no_file_is_no_annotations(tmp_path):
    assert read_annotations(tmp_path / "annotations") == {}


def test_a_line_that_is_none_is_logged_and_passed_over(tmp_path, caplog):
    file = tmp_path / "annotations"
    file.write_text('a=1\nnothing\nb="2"\n')
    with caplog.at_level(logging.WARNING):
        assert read_annotations(file) == {"b": "2"}
    assert f"""{file}: 'a=1' is passed over: it must be name="value\"""" in caplog.text
    assert "'nothing' is passed over" in caplog.text
