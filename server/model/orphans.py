"""Orphans of the model's process: adopted (child subreaper), killed with it, and reaped.

Sources: PR_SET_CHILD_SUBREAPER(2const), PR_SET_DUMPABLE(2const), proc_pid_stat(5), prlimit(2). The model's process begins a
session of its own and nothing of it can get into the server's again, whatever it forks. But a container's process 1 gets
what others leave behind too, such as a shell of `kubectl exec`. So the model's process is marked by a hard limit
that is one below the server's own: what it forks inherits that, and without a privilege nothing can raise it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# The limit of bytes in POSIX message queues: one byte less changes nothing.
MARK = resource.RLIMIT_MSGQUEUE
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


class Process(NamedTuple):
    """A process in /proc."""

    pid: int
    state: str
    parent: int
    session: int


def adopt() -> None:
    """Become the parent of what the processes below this one leave behind, as a container's process 1 is anyway."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def hide() -> None:
    """Keep the memory, the environment and the open sockets of this process from others of the same user."""
    _prctl(PR_SET_DUMPABLE, 0)


def mark(pid: int) -> None:
    """Mark the model's process, and all that it will fork, before code of the model runs in it."""
    soft, hard = resource.prlimit(pid, MARK)
    below = (hard if hard != resource.RLIM_INFINITY else 2**31) - 1
    if below >= 0:
        resource.prlimit(pid, MARK, (min(soft, below) if soft != resource.RLIM_INFINITY else below, below))


def reap(pid: int) -> None:
    """Reap what was left to this process and has ended; ``pid`` is the one whose end others wait for."""
    for process in _left(pid):
        if process.state == "Z":
            _reap(process.pid)


def kill(pid: int) -> bool:
    """Kill what the model's processes left behind, and what that has forked, however far from them it is.

    Returns whether there was any: some may have forked meanwhile, so the caller repeats it.
    """
    found = False
    for process in _left(pid):
        if process.state == "Z":
            _reap(process.pid)
            found = True
        elif _is_marked(process.pid):
            _kill(process.pid)
            found = True
    return found


def _left(pid: int) -> Iterator[Process]:
    """Yield the processes below this one in other sessions, but ``pid``; of those below them their sessions do not matter.

    The model's are among them.
    """
    mine, session = os.getpid(), os.getsid(0)
    children: dict[int, list[Process]] = {}
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
    found = [each for each in children.get(mine, []) if each.session != session and each.pid != pid]
    while found:
        process = found.pop()
        yield process
        found += children.get(process.pid, [])


def _processes() -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue  # It has gone.
            yield Process(int(folder.name), fields[0], int(fields[1]), int(fields[3]))


def _is_marked(pid: int) -> bool:
    """Return whether a process is the model's. One of another user, which could not be killed either, is not."""
    mine = resource.getrlimit(MARK)[1]
    try:
        hard = resource.prlimit(pid, MARK)[1]
    except (ProcessLookupError, PermissionError):
        return False
    return mine == 0 or (hard != resource.RLIM_INFINITY and (mine == resource.RLIM_INFINITY or hard < mine))


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # Its parent, which lives, does it.


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
