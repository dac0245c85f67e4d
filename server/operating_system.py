"""What Linux has and another operating system may not: CPU affinity, /proc, process control, flags of sockets and mounts.

The image is Linux; `make demo` and `make smoke` run the same code on macOS. Nothing else asks what the operating system can,
and each function says what is returned where it cannot. The model's process imports this too: Python 3.8, standard library.

Sources: proc(5), sched_getaffinity(2), PR_SET_CHILD_SUBREAPER(2const), PR_SET_DUMPABLE(2const), PR_SET_PDEATHSIG(2const),
prlimit(2), waitid(2), statvfs(3), recvmsg(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
import signal
import socket
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator, NamedTuple

PROC = Path("/proc")
# sys/wait.h, the same on Linux and macOS but for the last.
_P_PID = 1
_WEXITED = 4
_WNOWAIT: int = getattr(os, "WNOWAIT", 0x20)
_SET_PDEATHSIG = 1
_SET_DUMPABLE = 4
_SET_CHILD_SUBREAPER = 36
_UNLIMITED = float("inf")
_ESTABLISHED = "01"
# Descriptors that are received are closed in the programs that this process starts (recvmsg(2)); 0 where there is no such flag.
CLOSE_ON_EXEC: int = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def cpus() -> int:
    """Return how many CPUs this process may run on; all of the machine's where nothing binds processes to some."""
    affinity = _attribute(os, "sched_getaffinity")
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def memory() -> int:
    """Return how many bytes of memory the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def is_noexec(folder: Path) -> bool:
    """Return whether a file system is mounted with noexec, so that no library is loaded from it; False where none says."""
    return bool(os.statvfs(folder).f_flag & (_attribute(os, "ST_NOEXEC") or 0))


class Process(NamedTuple):
    """A process: its id, its state (Z: it has ended and nobody has waited for it), its parent's id, its session's."""

    pid: int
    state: str
    parent: int
    session: int


def processes() -> Iterator[Process]:
    """Yield the processes of the machine, or container; none without /proc."""
    for folder in PROC.iterdir() if PROC.is_dir() else ():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue  # It has gone.
            yield Process(int(folder.name), fields[0], int(fields[1]), int(fields[3]))


def has_ended(child: int) -> bool:
    """Return whether a child has ended, without waiting for it, so that its id stays its own.

    Python has waitid on macOS from 3.13 on; the C library has it on both. Their siginfo_t begin with the signal, which stays 0
    while the child runs.
    """
    information = (ctypes.c_int * 64)()
    waitid = ctypes.CDLL(None, use_errno=True).waitid
    if waitid(_P_PID, child, information, _WEXITED | _WNOWAIT | os.WNOHANG) == 0:
        return information[0] != 0
    number = ctypes.get_errno()
    if number in (errno.ECHILD, errno.EINTR):
        return number == errno.ECHILD
    raise OSError(number, os.strerror(number))


def signal_group(leader: int, number: int) -> None:
    """Signal a child that leads a process group, and the others of it.

    macOS refuses it where all of them have ended, and some are not waited for (EPERM).
    """
    try:
        os.killpg(leader, number)
    except PermissionError:
        if not has_ended(leader):
            raise


def adopt_orphans() -> None:
    """Become the parent of what the processes below this one leave behind; elsewhere process 1 stays it."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """Keep memory, environment and open sockets of this process from others of the same user; without prctl they are not."""
    _prctl(_SET_DUMPABLE, 0)


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent ends; without prctl it goes on until somebody ends it or its sockets."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It has ended before.
        os._exit(1)


def limit_message_queues(pid: int) -> None:
    """Lower a process's hard limit of bytes in POSIX message queues by one: what it forks inherits that, and cannot raise it.

    It changes nothing, and marks them. Without prlimit nothing is marked.

    Raises:
        ProcessLookupError: the process has gone.
    """
    limits = _message_queue_limits(pid)
    if limits is None:
        return
    soft, hard = limits
    below = (hard if hard != resource.RLIM_INFINITY else 2**31) - 1
    if below >= 0:
        _message_queue_limits(pid, (min(soft, below) if soft != resource.RLIM_INFINITY else below, below))


def has_lower_message_queue_limit(pid: int) -> bool:
    """Return whether a process's hard limit is below this one's.

    False for one that has gone, and for one of another user, which could not be killed either.
    """
    try:
        mine, other = _message_queue_limits(0), _message_queue_limits(pid)
    except (ProcessLookupError, PermissionError):
        return False
    if mine is None or other is None:
        return False
    own, hard = mine[1], other[1]
    return own == 0 or (hard != resource.RLIM_INFINITY and (own == resource.RLIM_INFINITY or hard < own))


def _message_queue_limits(pid: int, limits: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Return a process's soft and hard limit, or set it to ``limits``; None where there is none."""
    prlimit, kind = _attribute(resource, "prlimit"), _attribute(resource, "RLIMIT_MSGQUEUE")
    if prlimit is None or kind is None:
        return None
    soft, hard = prlimit(pid, kind) if limits is None else prlimit(pid, kind, limits)
    return soft, hard


def other_threads() -> int | None:
    """Return how many threads this process has beside the one that runs; None where nothing says it.

    A fork lacks them, and may wait for them for ever.
    """
    tasks = PROC / "self" / "task"
    return sum(1 for _ in tasks.iterdir()) - 1 if tasks.is_dir() else None


def private_memory() -> int | None:
    """Return how many bytes of memory this process has that are in no file; None where nothing says it."""
    status = PROC / "self" / "status"
    if not status.is_file():
        return None
    lines = status.read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def raise_descriptor_limit(enough: int) -> None:
    """Raise the soft limit of descriptors of this process, and of those that it starts, to ``enough`` or as far as it may.

    macOS says that there is no hard limit, and refuses what is beyond one of the kernel (kern.maxfilesperproc).
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = enough if most == resource.RLIM_INFINITY else min(enough, most)
    while wanted > now:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        except (ValueError, OSError):
            wanted //= 2
        else:
            return


def open_descriptors() -> int:
    """Return how many descriptors this process has open; looking takes one of them."""
    with os.scandir("/dev/fd") as entries:
        return sum(1 for _ in entries)


class ProcessStats(NamedTuple):
    """A process: CPU time and start (since the epoch) in seconds, resident memory in bytes, its descriptors and their limit.

    ``open_fds`` is -1 where this process may not look at them.
    """

    cpu_seconds: float
    start_seconds: float
    resident_bytes: float
    open_fds: float
    max_fds: float


def process_stats(pid: int, open_fds: float | None = None) -> ProcessStats | None:
    """Return the numbers of a process, or None where it has ended or without /proc; ``open_fds`` where they are known already."""
    try:
        # The name of the program, in parentheses, may hold anything.
        fields = _read(f"{PROC}/{pid}/stat").rpartition(b")")[2].split()
        limit = _max_fds(pid, int(fields[19]))
        descriptors = _open_fds(pid) if open_fds is None else open_fds
    except (OSError, IndexError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return ProcessStats(
        (int(fields[11]) + int(fields[12])) / ticks,
        _boot() + int(fields[19]) / ticks,
        int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        descriptors,
        limit,
    )


def _read(file: str) -> bytes:
    """Return what a small file has; pathlib's way takes three times as long, and this is done at each scrape."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _open_fds(pid: int) -> float:
    try:
        with os.scandir(f"{PROC}/{pid}/fd") as entries:
            return sum(1 for _ in entries)
    except PermissionError:
        return -1


@lru_cache(maxsize=1)
def _boot() -> float:
    """Return when the clock of processes' starts was at 0."""
    return time.time() - time.clock_gettime(_attribute(time, "CLOCK_BOOTTIME"))


@lru_cache(maxsize=64)
def _max_fds(pid: int, start: int) -> float:
    """Return the limit of a process's descriptors, which nobody changes once it runs."""
    for line in (PROC / str(pid) / "limits").read_bytes().splitlines():
        if line.startswith(b"Max open files"):
            soft = line.split()[3]
            return _UNLIMITED if soft == b"unlimited" else float(soft)
    return _UNLIMITED


def connections(port: int) -> int:
    """Return how many connections a port of this machine, or pod, has that were opened to it; 0 without /proc."""
    # The number of the line, the local address and port, the other's, and the state.
    line = re.compile(
        rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:[0-9A-F]+ {_ESTABLISHED} ".encode(), re.MULTILINE
    )
    tables = (PROC / "self" / "net" / name for name in ("tcp", "tcp6"))
    return sum(len(line.findall(table.read_bytes())) for table in tables if table.exists())


def _prctl(option: int, value: int) -> None:
    function = _attribute(ctypes.CDLL(None, use_errno=True), "prctl")
    if function and function(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _attribute(of: Any, name: str) -> Any:
    """Return what this operating system has of that name, or None."""
    return getattr(of, name, None)
