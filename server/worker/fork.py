"""Fork this process, which holds the model and has not called it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import traceback
from pathlib import Path
from typing import Any, Callable

PR_SET_PDEATHSIG = 1


def check_threads() -> None:
    """Raise RuntimeError where this process has threads: a fork would not have them, and may wait for them for ever."""
    count = sum(1 for _ in Path("/proc/self/task").iterdir())
    if count > 1:
        raise RuntimeError(
            f"SERVER_MODEL_PROCESSES must be 1 for this model: loading it has started {count - 1} threads, "
            "so its process cannot be forked; serve it by more replicas"
        )


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent exits (PR_SET_PDEATHSIG(2const))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:  # It has ended before.
        os._exit(1)


def fork(work: Callable[[], None]) -> int:
    """Do ``work`` in a process of its own, which ends without anything of what this one does at its end.

    Returns its process id.
    """
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        die_with_parent(parent)
        work()
        code = 0
    except BaseException:  # noqa: BLE001  a model may raise anything
        traceback.print_exc()
    finally:
        os._exit(code)


def run_forked(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a forked process and return its result, as JSON. Raises RuntimeError if the process dies."""
    ours, theirs = os.pipe()
    child = fork(lambda: _write(theirs, json.dumps(work()).encode()))
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("the model's process died when it was called with the model's input example")
    return json.loads(said)


def _write(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)
