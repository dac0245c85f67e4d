"""Fork this process, which has not called the model."""

from __future__ import annotations

import json
import os
from typing import Any, Callable

from ..operating_system import die_with_parent
from . import output


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
