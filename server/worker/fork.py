"""Fork this process, which has not called the model."""

from __future__ import annotations

import ctypes
import json
import os
import signal
from pathlib import Path
from typing import Any, Callable

from . import output

PR_SET_PDEATHSIG = 1


def other_threads() -> int:
    """Return how many threads this process has beside the one that runs: a fork lacks them, and may wait for them for ever."""
    return sum(1 for _ in Path("/proc/self/task").iterdir()) - 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent exits (PR_SET_PDEATHSIG(2const))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:  # It has ended before.
        os._exit(1)


def fork(work: Callable[[], int]) -> int:
    """Do ``work`` in a process of its own, which ends with the exit code that it returns, and nothing of this one's end.

    Returns its process id.
    """
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        die_with_parent(parent)
        code = work()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # noqa: BLE001  a model may raise anything
        output.write_exception(error, "a process of the model cannot go on")
    finally:
        os._exit(code)


def run_forked(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a forked process and return its result, as JSON. Raises RuntimeError if the process dies."""
    ours, theirs = os.pipe()

    def write() -> int:
        with os.fdopen(theirs, "wb") as pipe:
            pipe.write(json.dumps(work()).encode())
        return 0

    child = fork(write)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError("the model's process died when it was called with the model's input example")
    return json.loads(said)
