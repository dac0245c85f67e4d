"""The server itself on a system that lacks what only Linux has: ``python -m tests.server.elsewhere serve …``."""

from __future__ import annotations

import os
import resource
import runpy
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

LINUX: tuple[tuple[Any, str], ...] = (
    (os, "sched_getaffinity"),
    (os, "waitid"),
    (os, "ST_NOEXEC"),
    (os, "memfd_create"),
    (os, "pidfd_open"),
    (resource, "prlimit"),
    (resource, "RLIMIT_MSGQUEUE"),
    (socket, "MSG_CMSG_CLOEXEC"),
    (time, "CLOCK_BOOTTIME"),
)

if __name__ == "__main__":
    for owner, name in LINUX:
        delattr(owner, name)
    from server import operating_system

    libc = operating_system.ctypes.CDLL(None, use_errno=True)
    operating_system.PROC = Path("/nowhere")
    operating_system.ctypes = SimpleNamespace(  # type: ignore[assignment]
        CDLL=lambda *_, **__: SimpleNamespace(waitid=libc.waitid),
        c_int=operating_system.ctypes.c_int,
        get_errno=operating_system.ctypes.get_errno,
    )
    runpy.run_module("server", run_name="__main__", alter_sys=True)
