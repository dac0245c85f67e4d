"""Orphans of the model's process: killed with it, and reaped.

The model's process begins a session of its own and nothing of it can get into the server's again, whatever it forks. But a
container's process 1 gets what others leave behind too, such as a shell of `kubectl exec`. So the model's process is marked
by a hard limit that is one below the server's own. Where orphans go to another process (macOS), those that left the model's
process group stay.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from server.operating_system import Process, has_lower_message_queue_limit, processes


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
        elif has_lower_message_queue_limit(process.pid):
            _kill(process.pid)
            found = True
    return found


def _left(pid: int) -> Iterator[Process]:
    """Yield the processes below this one in other sessions, but ``pid``; of those below them their sessions do not matter.

    The model's are among them.
    """
    mine, session = os.getpid(), os.getsid(0)
    children: dict[int, list[Process]] = {}
    for process in processes():
        children.setdefault(process.parent, []).append(process)
    found = [each for each in children.get(mine, []) if each.session != session and each.pid != pid]
    while found:
        process = found.pop()
        yield process
        found += children.get(process.pid, [])


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
