"""The processes of this machine, on Linux as on macOS."""

from __future__ import annotations

from contextlib import suppress

import psutil


def is_running(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def parent(process: int) -> int:
    return psutil.Process(process).ppid()


def children(process: int) -> list[int]:
    """Return the children of a process, those that it started first before the others."""
    try:
        found = psutil.Process(process).children()
        return [child.pid for child in sorted(found, key=lambda child: (child.create_time(), child.pid))]
    except psutil.NoSuchProcess:
        return []


def descendants(process: int) -> list[int]:
    return [each.pid for each in psutil.Process(process).children(recursive=True)]


def command_line(process: int) -> str:
    """Return the arguments of a process with blanks between, or nothing where it has ended or is another user's."""
    try:
        return " ".join(psutil.Process(process).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def with_argument(text: str) -> dict[int, str]:
    """Return the command lines in which ``text`` is, by their process ids."""
    lines = {process: command_line(process) for process in psutil.pids()}
    return {process: line for process, line in lines.items() if text in line}


def zombies(process: int) -> list[int]:
    """Return the children of a process that have ended, and that it has not waited for."""
    found = []
    for child in psutil.Process(process).children():
        with suppress(psutil.NoSuchProcess):
            found += [child.pid] if child.status() == psutil.STATUS_ZOMBIE else []
    return found
