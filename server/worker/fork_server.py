"""A fork server: processes forked from the one that loaded the model, so that they share its memory.

That one never calls the model: OpenMP and BLAS start threads when they are first called, and forks would wait for them.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from typing import Callable, List, NamedTuple

from ..ipc.connection import FrameConnection
from .fork import fork

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0
# How long a process may go on when the server is gone.
END_SECONDS = 2.0

# Answers the calls of the connections, until the other end of the last socket is closed.
Serve = Callable[[List[FrameConnection], FrameConnection], None]


class ForkedProcess(NamedTuple):
    """A forked process, a socket that each of the two closes by its end, and when it was started."""

    number: int
    life: socket.socket
    started: float


class ForkServer:
    """Forks processes and replaces those that die, with back-off.

    Args:
        control: the control connection, over which the server gets each process's connections.
        server_processes: how many connections a process has.
        serve: what a process does.
    """

    def __init__(self, control: FrameConnection, server_processes: int, serve: Serve) -> None:
        self._control = control
        self._edges = server_processes
        self._serve = serve
        self._processes: dict[int, ForkedProcess] = {}
        self._poll = select.poll()
        self._poll.register(control.fileno(), select.POLLIN)

    def run(self, count: int) -> None:
        """Keep ``count`` processes running until the server is gone, which raises EOFError."""
        due = [time.monotonic()] * count
        delay = FIRST_DELAY
        try:
            while True:
                while due and due[0] <= time.monotonic():
                    del due[0]
                    self._start()
                wait = max(0.0, due[0] - time.monotonic()) * 1000 if due else None
                for descriptor, _ in self._poll.poll(wait):
                    if descriptor == self._control.fileno():
                        raise EOFError
                    process = self._ended(descriptor)
                    if time.monotonic() - process.started > STEADY_SECONDS:
                        delay = FIRST_DELAY
                    _, status = os.waitpid(process.number, 0)
                    ended = {"event": "ended", "pid": process.number, "status": status, "seconds": delay}
                    self._control.tell(ended)
                    due.append(time.monotonic() + delay)
                    delay = min(2 * delay, LONGEST_DELAY)
        finally:
            self._end()

    def _start(self) -> None:
        life, theirs = socket.socketpair()
        pairs = [socket.socketpair() for _ in range(self._edges)]

        def work() -> None:
            for sock in (life, *(ends for ends, _ in pairs)):
                sock.close()
            for process in self._processes.values():
                process.life.close()
            self._control.close()
            try:
                self._serve([FrameConnection(ours) for _, ours in pairs], FrameConnection(theirs))
            except (EOFError, KeyboardInterrupt):
                return

        number = fork(work)
        self._processes[life.fileno()] = ForkedProcess(number, life, time.monotonic())
        self._poll.register(life.fileno(), select.POLLIN)
        self._control.tell({"event": "process", "pid": number}, [ends for ends, _ in pairs])
        for sock in (theirs, *(sock for pair in pairs for sock in pair)):
            sock.close()

    def _ended(self, descriptor: int) -> ForkedProcess:
        process = self._processes.pop(descriptor)
        self._poll.unregister(descriptor)
        process.life.close()
        return process

    def _end(self) -> None:
        """Leave none behind."""
        processes = list(self._processes.values())
        for process in processes:
            process.life.close()
        end = time.monotonic() + END_SECONDS
        for process in processes:
            while not os.waitpid(process.number, os.WNOHANG)[0]:
                if time.monotonic() > end:
                    os.kill(process.number, signal.SIGKILL)
                    os.waitpid(process.number, 0)
                    break
                time.sleep(0.01)
