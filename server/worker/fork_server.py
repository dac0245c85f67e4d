"""Several processes of the model: forked from one that has loaded it, whose memory they share, else each loads it itself.

    this process ── the first one to load the model ── forks of it           where it has no other threads then
                 ├─ the first one to load the model, which answers calls
                 └─ others, one after the other, that load the model too     where it has some

A fork has none of the threads that loading has started, and may wait for them for ever. This process imports neither the
model nor numpy, so it has no threads. The one that others are forked from never calls the model, since OpenMP and BLAS start
threads when they are first called.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from typing import Callable, Iterator, List

from ..ipc.control_frame import tell
from . import output
from .fork import fork

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0
# How long a process may go on when the server is gone.
END_SECONDS = 2.0
# What a process writes to its socket when it can answer calls.
READY = b"\0"
# Of server.telemetry.labels, which is not for this process to import.
LOAD_FAILED, LOAD_TIMEOUT = "load_failed", "load_timeout"

# Writes READY to the second argument when the model can be called, then answers the calls of the first, the connections to the
# server's processes, until the other end of the second is closed.
Serve = Callable[[List[socket.socket], socket.socket], None]


class ModelProcess:
    """A process of the model.

    Args:
        number: its process id.
        life: a socket that each of the two closes by its end; a process that it has forked may keep the other end open.
        ready: whether it answers calls already.
    """

    def __init__(self, number: int, life: socket.socket, *, ready: bool = False) -> None:
        self.number = number
        self.life = life
        self.ready = ready
        # Since when it has been loading the model, and since it is ready, answering calls.
        self.since = time.monotonic()
        # Why it ends, one of server.telemetry.labels, where its wait status does not say it.
        self.reason = ""


class ForkServer:
    """Starts processes, one after the other, and replaces those that end, with back-off.

    Args:
        control: the control connection, over which the server gets each process's connections.
        server_processes: how many connections a process has.
        serve: what a process does.
        load_seconds: how long it may take until it can answer calls.
    """

    def __init__(
        self, control: socket.socket, server_processes: int, serve: Serve, load_seconds: float
    ) -> None:
        self._control = control
        self._server_processes = server_processes
        self._serve = serve
        self._load_seconds = load_seconds
        self._processes: dict[int, ModelProcess] = {}
        # The process that is not ready yet, and the server's ends of its connections: they are passed when it is.
        self._starting: ModelProcess | None = None
        self._ends: list[socket.socket] = []
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)
        # SIGCHLD writes a byte to it.
        self._wakeup, ours = socket.socketpair()
        self._signals = ours
        for sock in (self._wakeup, ours):
            sock.setblocking(False)
        self._poll.register(self._wakeup.fileno(), select.POLLIN)

    def adopt(self, process: ModelProcess) -> None:
        """Take in a process that was started."""
        self._processes[process.life.fileno()] = process
        self._poll.register(process.life.fileno(), select.POLLIN)

    def run(self, count: int) -> None:
        """Keep ``count`` processes running until the server is gone, which raises EOFError."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)
        due = [time.monotonic()] * (count - len(self._processes))
        delay = FIRST_DELAY
        try:
            while True:
                for process, status in self._reaped():
                    if process.ready and time.monotonic() - process.since > STEADY_SECONDS:
                        delay = FIRST_DELAY
                    ended = {"event": "ended", "pid": process.number, "status": status, "seconds": delay}
                    tell(self._control, {**ended, "reason": process.reason})
                    due.append(time.monotonic() + delay)
                    delay = min(2 * delay, LONGEST_DELAY)
                now = time.monotonic()
                if self._starting is None and due and due[0] <= now:
                    del due[0]
                    self._start()
                for descriptor, _ in self._poll.poll(self._wait(due, now)):
                    self._receive(descriptor)
                self._check_time()
        finally:
            signal.set_wakeup_fd(-1)
            self._end()

    def _receive(self, descriptor: int) -> None:
        """Read what has come on a socket. Raises EOFError where the server is gone."""
        if descriptor == self._control.fileno():
            raise EOFError
        if descriptor == self._wakeup.fileno():
            self._wakeup.recv(4096)
            return
        process = self._processes[descriptor]
        if process.life.recv(1):
            tell(self._control, {"event": "process", "pid": process.number}, self._ends)
            process.ready, process.since = True, time.monotonic()
            self._started()
        else:
            self._poll.unregister(descriptor)  # It ends: its wait status is still to come.

    def _reaped(self) -> Iterator[tuple[ModelProcess, int]]:
        """Yield the processes that have ended, with their wait statuses."""
        for process in list(self._processes.values()):
            number, status = os.waitpid(process.number, os.WNOHANG)
            if not number:
                continue
            if process is self._starting:
                self._started()
                if os.WIFEXITED(status):
                    process.reason = process.reason or LOAD_FAILED
            del self._processes[process.life.fileno()]
            with contextlib.suppress(KeyError):
                self._poll.unregister(process.life.fileno())
            process.life.close()
            yield process, status

    def _wait(self, due: list[float], now: float) -> float | None:
        """Return for how many milliseconds nothing is to be done, None where that is for ever."""
        if self._starting is not None:
            return (
                None
                if self._starting.reason
                else max(0.0, self._starting.since + self._load_seconds - now) * 1000
            )
        return max(0.0, due[0] - now) * 1000 if due else None

    def _start(self) -> None:
        life, theirs = socket.socketpair()
        pairs = [socket.socketpair() for _ in range(self._server_processes)]

        def work() -> int:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for sock in (life, self._wakeup, self._signals, *(ends for ends, _ in pairs)):
                sock.close()
            for process in self._processes.values():
                process.life.close()
            self._control.close()
            with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
                self._serve([ours for _, ours in pairs], theirs)
            return 0

        self._starting = ModelProcess(fork(work), life)
        self._ends = [ends for ends, _ in pairs]
        self.adopt(self._starting)
        for sock in (theirs, *(ours for _, ours in pairs)):
            sock.close()

    def _started(self) -> None:
        self._starting = None
        for sock in self._ends:
            sock.close()
        self._ends = []

    def _check_time(self) -> None:
        """Kill a process that has not loaded the model in time."""
        late = self._starting
        if late is not None and not late.reason and time.monotonic() - late.since >= self._load_seconds:
            output.write_error(
                f"process {late.number} of the model is killed, since it took more than {self._load_seconds:g} seconds to "
                "load it; raise SERVER_LOAD_SECONDS if it may"
            )
            late.reason = LOAD_TIMEOUT
            os.kill(late.number, signal.SIGKILL)

    def _end(self) -> None:
        """Leave none behind."""
        processes = list(self._processes.values())
        for process in processes:
            process.life.close()
        end = time.monotonic() + END_SECONDS
        for process in processes:
            while not os.waitpid(process.number, os.WNOHANG)[0]:
                if process is self._starting or time.monotonic() > end:
                    os.kill(process.number, signal.SIGKILL)
                    os.waitpid(process.number, 0)
                    break
                time.sleep(0.01)


def run(descriptor: int, count: int) -> int:
    """Have the model served by ``count`` processes, until the server closes the socket; return the exit code.

    The first process to load the model has the control connection, and passes it back where it cannot be forked.
    """
    control = socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    life, theirs = socket.socketpair()

    def first() -> int:
        from .loop import run_first

        life.close()
        return run_first(control, theirs, count)

    number = fork(first)
    theirs.close()
    said = _line(life)
    if not said:  # It is what others are forked from, or it has failed.
        control.close()
        return _exit_as(os.waitpid(number, 0)[1])
    handed = json.loads(said)
    handshake, setup = handed["handshake"], handed["setup"]
    output.json_lines = handshake["json_lines"]

    def serve(connections: list[socket.socket], life: socket.socket) -> None:
        from .loop import run_another

        run_another(handshake, setup, connections, life)

    processes = ForkServer(control, setup["server_processes"], serve, setup["load_seconds"])
    processes.adopt(ModelProcess(number, life, ready=True))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        processes.run(count)
    return 0


def _line(sock: socket.socket) -> bytes:
    """Return what comes up to the end of a line, or nothing where the other end is closed before it."""
    data = b""
    while not data.endswith(b"\n"):
        received = sock.recv(65536)
        if not received:
            return b""
        data += received
    return data


def _exit_as(status: int) -> int:
    """Return the exit code of a process by its wait status, or end by the signal that has ended it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return os.WEXITSTATUS(status)
