"""The processes of the stock wrapper, which end with its first one.

By SIGTERM, gunicorn ends REST in the first process, which then waits for ever for those that answer gRPC: nobody tells
them. Before gunicorn runs nobody heeds the signal at all where the first process is a container's process 1.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
from types import FrameType


def end_with_this_process() -> None:
    """Let SIGTERM end this process, and this process's end those that it forks by multiprocessing; they inherit it.

    Call it in the main thread, after the import of multiprocessing's util, which waits for them at exit.
    """
    signal.signal(signal.SIGTERM, _end)
    # Exit handlers run last in, first out.
    atexit.register(_end_forked, os.getpid())


def _end(number: int, frame: FrameType | None) -> None:
    _end_forked(os.getpid())
    sys.exit(0)


def _end_forked(owner: int) -> None:
    if os.getpid() == owner:
        for process in multiprocessing.active_children():
            process.terminate()
