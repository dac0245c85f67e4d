"""The handler of the log: whoever logs never waits for whoever reads stderr, once a server process has started it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from typing import TextIO

# What may wait to be written, in bytes; lines beyond it are dropped.
LIMIT = 1 << 20
# So many bytes at once are not torn apart by what other processes write to the same pipe (PIPE_BUF, pipe(7)).
ATOMIC = 4096
# How long lines are gathered, so that a thousand of them do not wake the thread a thousand times.
GATHER_SECONDS = 0.01

log = logging.getLogger(__name__)


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream: at once or, between ``start`` and ``stop``, by a thread.

    A reader that does not read blocks whoever writes to a full pipe. With the thread that is nobody's event loop: what does
    not fit ``LIMIT`` is dropped, counted in ``dropped``, and told of when the reader is back. A process that is killed
    loses the lines of its last hundredth of a second.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.dropped = 0
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._ends = False

    def start(self) -> None:
        """Write by a thread from now on. Call it in each process that is forked: threads are not."""
        self._ends = False
        self.flush()
        self._thread = threading.Thread(
            target=self._run, args=(self.stream.fileno(),), name="log", daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Write what waits, for so many seconds at most, and write at once from now on; where nobody reads, write no more."""
        if self._thread is None:
            return
        with self._changed:
            self._ends = True
            self._changed.notify()
        self._thread.join(seconds)
        if not self._thread.is_alive():
            self._thread = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or have it written."""
        if self._thread is None:
            super().emit(record)
            return
        try:
            line = (self.format(record) + self.terminator).encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001  as logging's own handlers have it
            self.handleError(record)
            return
        with self._changed:
            if self._waiting + len(line) > LIMIT:
                self.dropped += 1
                return
            self._lines.append(line)
            self._waiting += len(line)
            if len(self._lines) == 1:
                self._changed.notify()

    def _run(self, descriptor: int) -> None:
        told = self.dropped
        while True:
            with self._changed:
                while not self._lines and not self._ends:
                    self._changed.wait()
                if not self._lines:
                    return
                ends = self._ends
            if not ends:
                time.sleep(GATHER_SECONDS)
            while piece := self._next():
                try:
                    _write(descriptor, piece)
                except OSError:
                    # Nobody will read any more: the log goes nowhere, and the server goes on.
                    self.dropped += piece.count(b"\n")
                    told = self.dropped
                with self._changed:
                    self._waiting -= len(piece)
            if self.dropped > told:
                log.warning("%d lines of the log were dropped: nobody read stderr", self.dropped - told)
                told = self.dropped

    def _next(self) -> bytes:
        """Remove and return whole lines that are written at once, or nothing."""
        with self._changed:
            if not self._lines:
                return b""
            piece = [self._lines.popleft()]
            size = len(piece[0])
            while self._lines and size + len(self._lines[0]) <= ATOMIC:
                piece.append(self._lines.popleft())
                size += len(piece[-1])
        return b"".join(piece)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def handler() -> LogHandler | None:
    """Return this process's handler, or None where the log was not configured (a test, another program)."""
    for each in logging.getLogger().handlers:
        if isinstance(each, LogHandler):
            return each
    return None
