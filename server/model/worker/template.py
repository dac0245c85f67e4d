"""Several processes of the model, forked from the one that loaded it, so that they share its memory.

That one never calls the model: OpenMP and BLAS start threads when they are first called, and forks would wait for them.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from typing import Callable, List, NamedTuple

from .connection import Connection
from .fork import fork

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0
# How long a process may go on when the server is gone.
END_SECONDS = 2.0

# Answers the calls that come over channels, until the other end of the last socket is closed.
Serve = Callable[[List[Connection], Connection], None]


class Process(NamedTuple):
    """A forked process, a socket that each of the two closes by its end, and when it was started."""

    number: int
    life: socket.socket
    started: float


class Template:
    """Forks processes and replaces those that die, with back-off.

    Args:
        control: the connection to the server, which gets each process's channels.
        edges: how many channels a process has.
        serve: what a process does.
    """

    def __init__(self, control: Connection, edges: int, serve: Serve) -> None:
        self._control = control
        self._edges = edges
        self._serve = serve
        self._processes: dict[int, Process] = {}
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
                self._serve([Connection(ours) for _, ours in pairs], Connection(theirs))
            except (EOFError, KeyboardInterrupt):
                return

        number = fork(work)
        self._processes[life.fileno()] = Process(number, life, time.monotonic())
        self._poll.register(life.fileno(), select.POLLIN)
        self._control.tell({"event": "process", "pid": number}, [ends for ends, _ in pairs])
        for sock in (theirs, *(sock for pair in pairs for sock in pair)):
            sock.close()

    def _ended(self, descriptor: int) -> Process:
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
