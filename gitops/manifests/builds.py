"""Processes of kustomize that build one folder after another: ``kustomize builds`` of tools/kustomize.

Most of what a build computes is reading Kubernetes' OpenAPI schema, which a process that stays does once.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

# Its heap stays small, and collecting garbage would be half of what it does. There is a process for each core, so each
# computes on one: more threads of one only wait for each other.
_GO = {"GOGC": "400", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": "1"}


@dataclass(frozen=True)
class BuildResult:
    """The objects that ``kustomize build`` renders, a list in JSON, what it prints on standard error, and whether it fails."""

    objects: str
    messages: str
    failed: bool


class Ended(Exception):
    """The process ended without an answer; the text is the first line that it printed on standard error, if any."""


class _Process:
    """A process of kustomize; it ends with this one, or some seconds after its last build."""

    def __init__(self, binary: Path) -> None:
        self.fresh = True
        # No pipe: nobody reads it while the process runs.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        self._process = subprocess.Popen(
            [binary, "builds"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **_GO},
        )
        # Both are pipes.
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)

    def build(self, folder: str, timeout: float) -> BuildResult:
        """Return what building ``folder`` comes to.

        Raises:
            TimeoutError: there is no answer for ``timeout`` seconds; the process is gone then.
            Ended: it is gone without an answer.
        """
        self.fresh = False
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            self._input.write(json.dumps(folder).encode() + b"\n")
            self._input.flush()
            line = self._output.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            said = self.close()
            raise TimeoutError if late.is_set() else Ended(said)
        return BuildResult(**json.loads(line))

    def close(self) -> str:
        """End the process; return the first line that it has printed on standard error."""
        self._process.kill()
        self._process.wait()
        self._output.close()
        # What it was asked last it will not read any more.
        with suppress(BrokenPipeError):
            self._input.close()
        with self._errors as errors:
            errors.seek(0)
            return errors.readline().decode(errors="replace").strip()


# Those that have nothing to do, by their program.
_idle: dict[Path, queue.SimpleQueue[_Process]] = {}


def build(binary: Path, folder: Path, timeout: float) -> BuildResult:
    """Return what the kustomize in ``binary`` builds of ``folder``, in a process that no other thread uses now.

    Raises:
        TimeoutError: it does not answer within ``timeout`` seconds.
        Ended: it ends without an answer.
    """
    waiting = _idle.setdefault(binary, queue.SimpleQueue())
    while True:
        try:
            process = waiting.get_nowait()
        except queue.Empty:
            process = _Process(binary)
        fresh = process.fresh
        try:
            result = process.build(str(folder.absolute()), timeout)
        except Ended:
            if fresh:
                raise
            continue  # It had ended while it had nothing to do; a new one answers.
        waiting.put(process)
        return result


@atexit.register
def _close() -> None:
    for waiting in _idle.values():
        while not waiting.empty():
            waiting.get_nowait().close()
