"""The processes that the model's leave behind: adopted, ended with the model's process, and reaped.

Sources: PR_SET_CHILD_SUBREAPER(2const), PR_SET_DUMPABLE(2const), proc_pid_stat(5). The model's process begins a session of
its own and nothing of it can get into the server's again, whatever it forks; so a child of the server in another session
is the model's.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


class Process(NamedTuple):
    """A process as /proc has it."""

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


def reap(pid: int) -> None:
    """Reap what the model's processes left behind and has ended; ``pid`` is the one whose end others wait for."""
    for process in _left(pid):
        if process.state == "Z":
            _reap(process.pid)


def kill(pid: int) -> bool:
    """Kill what the model's processes left behind, and what that has forked, however far from them it is.

    Returns whether there was any, so that what was born meanwhile can be looked for.
    """
    left = list(_left(pid))
    for process in left:
        if process.state == "Z":
            _reap(process.pid)
        else:
            _kill(process.pid)
    return bool(left)


def _left(pid: int) -> Iterator[Process]:
    """Yield the processes below this one in other sessions, but ``pid``; of those below them their sessions do not matter."""
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
