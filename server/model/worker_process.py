"""The model's process: start, first frames, signals, exit; and its orphans, killed with it and reaped.

It is started before the server imports its own packages, since loading the model takes longest: this imports little.

The model's process begins a session of its own and nothing of it can get into the server's again, whatever it forks. But a
container's process 1 gets what others leave behind too, such as a shell of `kubectl exec`. So the model's process is marked
by a hard limit that is one below the server's own. Where orphans go to another process (macOS), those that left the model's
process group stay.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from server.container import EXHAUSTED
from server.errors import ModelNotLoaded
from server.operating_system import (
    Process,
    has_lower_message_queue_limit,
    limit_message_queues,
    processes,
    signal_group,
)
from server.settings import ServeSettings

WORKER = Path(__file__).parents[1] / "worker" / "__main__.py"
STOP_SECONDS = 5.0
# Errors of a system that is short of what another process may release.
SHORT = (*EXHAUSTED, errno.EAGAIN)


class WorkerProcess:
    """A process that loads the model, and the server's end of the socket between them.

    Args:
        python: the interpreter of the model's environment.
        environ: its environment variables.
        count: how many processes answer calls: with more than one, this one starts them.

    Raises:
        ModelNotLoaded: the interpreter cannot be started.
        OSError: no process can be started for now.
    """

    def __init__(self, python: Path, environ: dict[str, str], count: int = 1) -> None:
        self.environ = environ
        self.sock, theirs = socket.socketpair()
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [
                        *(str(python.absolute()), "-I", str(WORKER)),
                        *map(str, (theirs.fileno(), os.getpid(), count)),
                    ],
                    # Libraries write beside themselves what they like (MLflow an mlruns): here they may.
                    cwd=tempfile.gettempdir(),
                    env=environ,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the server, which then ends the worker.
                )
            except OSError as error:
                self.sock.close()
                if error.errno in SHORT:
                    raise
                raise ModelNotLoaded(
                    f"{python} cannot be started ({error.strerror}): it must be the interpreter that "
                    "`environment` made; run `python -m server environment MODEL ENV` first"
                ) from error
        with suppress(ProcessLookupError):  # It has exited already; the reaper reports it.
            limit_message_queues(self.process.pid)

    def tell(self, header: dict[str, Any], values: Sequence[Any] = ()) -> None:
        """Send a frame. A process that has ended meanwhile is reported when its answer is awaited."""
        from server.ipc import wire  # numpy, which the process imports meanwhile too

        try:
            for buffer in wire.pack(header, list(values)):
                self.sock.sendall(buffer)
        except OSError:
            return

    def shut(self) -> None:
        """Receive nothing more from the process beyond what it has sent."""
        with suppress(OSError):  # The socket is closed.
            self.sock.shutdown(socket.SHUT_RD)

    def end(self) -> None:
        """End the process and those that it forked, if they run."""
        self.sock.close()
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, which is not reaped yet, and to those that it forked."""
        signal_group(self.process.pid, number)


def interpreter(settings: ServeSettings, environment: Path) -> Path:
    """Return the interpreter of the folder that the verb ``environment`` made.

    Raises:
        ModelNotLoaded: there is none.
    """
    python = environment / "current" / "bin" / "python"
    if not python.exists():
        raise ModelNotLoaded(
            f"no Python environment in {environment}: run "
            f"`python -m server environment {settings.model_uri} {environment}` first"
        )
    return python


def reap_orphans(pid: int) -> None:
    """Reap what was left to this process and has ended; ``pid`` is the one whose end others wait for."""
    for process in _left(pid):
        if process.state == "Z":
            _reap(process.pid)


def kill_orphans(pid: int) -> bool:
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
