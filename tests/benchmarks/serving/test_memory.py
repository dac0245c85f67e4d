from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serving import memory
from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.memory import check_system, cpu_seconds, file_pages, pss, tree

MAPPING = """\
7f00-7f10 r-xp 00001000 fe:01 77                         /usr/lib/libc.so.6
Size:                 64 kB
Rss:                  40 kB
Pss:                   4 kB
Anonymous:             8 kB
"""
CHILD = """\
import os, sys, time
held = bytes(range(256)) * (int(sys.argv[1]) << 12)
if os.fork():
    print("ready", flush=True)
time.sleep(60)
"""


def test_pages_of_a_file_count_whole_and_without_what_was_written() -> None:
    assert file_pages(MAPPING) == {"fe:01 77 00001000": 32}


def test_parts_of_one_file_add_up() -> None:
    other = MAPPING.replace("00001000", "00009000")
    assert sum(file_pages(MAPPING + other).values()) == 64


def test_memory_of_no_file_is_none() -> None:
    assert file_pages(MAPPING.replace(" 77 ", " 0 ").replace("/usr/lib/libc.so.6", "[heap]")) == {}


def held(mebibytes: int) -> float:
    """Return the memory of two processes that share so much."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(mebibytes)], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            assert len(tree(process.pid)) == 2
            return pss(process.pid)
        finally:
            os.killpg(process.pid, 9)


def test_what_processes_share_counts_once() -> None:
    assert 90 < held(100) - held(0) < 110


def test_the_tree_is_the_process_and_its_descendants() -> None:
    assert os.getpid() in tree(os.getpid())


def test_cpu_time_is_that_of_the_process_and_its_descendants() -> None:
    before, used = cpu_seconds(os.getpid()), sum(os.times()[:2])
    while sum(os.times()[:2]) - used < 0.05:
        pass
    assert cpu_seconds(os.getpid()) - before >= 0.03


def test_a_system_that_tells_nothing_of_processes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_system()
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    with pytest.raises(BenchFailed, match="which is not here: run it on Linux"):
        check_system()
