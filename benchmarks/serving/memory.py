"""How much memory and CPU time the processes of a server take."""

from __future__ import annotations

import os
import re
from pathlib import Path

from benchmarks.serving.errors import BenchFailed

PROC = Path("/proc")
# proc_pid_smaps(5): "address perms offset device inode path", then a line for each figure of that mapping.
_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ (?P<offset>\S+) (?P<device>\S+) (?P<inode>\d+)")
_FIGURE = re.compile(r"(?P<name>Rss|Anonymous): +(?P<kibibytes>\d+) kB")


def check_system() -> None:
    """Raise BenchFailed where nothing tells what a process takes."""
    if not PROC.is_dir():
        raise BenchFailed(f"CPU time and memory are read from {PROC}, which is not here: run it on Linux")


def tree(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in (PROC / str(parent) / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def pss(pid: int) -> float:
    """Return the proportional set size of the process and all that descend from it, in MiB, as if alone on the machine.

    What they share counts once. So do pages of files that other processes map as well, of which the kernel's own figure
    counts a part only: environments made by uv share their files, and this very process maps some of them.
    """
    anonymous, files = 0, dict[str, int]()
    for each in tree(pid):
        rollup = (PROC / str(each) / "smaps_rollup").read_text()
        found = re.search(r"^Pss_Anon: +(\d+) kB$", rollup, re.MULTILINE)
        # A process that has ended and was not waited for has no memory.
        anonymous += int(found[1]) if found else 0
        for mapping, kibibytes in file_pages((PROC / str(each) / "smaps").read_text()).items():
            files[mapping] = max(kibibytes, files.get(mapping, 0))
    return (anonymous + sum(files.values())) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of the process and all that descend from it, user's and system's (proc_pid_stat(5))."""
    ticks = 0
    for each in tree(pid):
        fields = (PROC / str(each) / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def file_pages(smaps: str) -> dict[str, int]:
    """Return the KiB that are in memory of each part of a file, by device, inode and offset; shared memory is a file."""
    found, mapping = dict[str, int](), ""
    for line in smaps.splitlines():
        if head := _MAPPING.match(line):
            mapping = f"{head['device']} {head['inode']} {head['offset']}" if head["inode"] != "0" else ""
        elif mapping and (figure := _FIGURE.match(line)):
            sign = 1 if figure["name"] == "Rss" else -1
            found[mapping] = found.get(mapping, 0) + sign * int(figure["kibibytes"])
    return found
