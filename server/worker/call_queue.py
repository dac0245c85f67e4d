"""The worker's queue: calls that have come and are not started, cancellation, and flow control of the running stream."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from contextlib import suppress
from typing import Any

from ..ipc import wire
from ..ipc.busy_polling import AdaptivePolling
from ..ipc.connection import Frame, FrameConnection
from ..ipc.wire import CANCEL, MORE

# How often server processes whose calls wait get a sign of life while others' calls are answered.
TURN_SECONDS = 1.0


class RunningStream:
    """The running stream: its window, and whether it is cancelled or its server process is gone.

    Args:
        connection: where its call came from.
        number: the call's.
        ahead: how many parts may be sent before the server has asked for more.
    """

    def __init__(self, connection: FrameConnection, number: int, ahead: int) -> None:
        self.connection = connection
        self.number = number
        self.ahead = ahead
        self.cancelled = self.gone = False


class CallQueue:
    """Calls from the server's processes: first in first out within one, round robin between them.

    One that the server cancels before it is started is not run.

    Args:
        connections: one to each of the server's processes.
        control: the control connection; its end means that the server is gone.
        spin: how long to busy-poll for the next call, in seconds.
    """

    def __init__(self, connections: list[FrameConnection], control: FrameConnection, spin: float = 0) -> None:
        self._control = control
        self._by_descriptor = {connection.fileno(): connection for connection in connections}
        self._turns: deque[FrameConnection] = deque(connections)
        self._held: dict[FrameConnection, dict[int, Frame]] = {connection: {} for connection in connections}
        self._running: RunningStream | None = None
        self._turn_sent = time.monotonic()
        self._spin = AdaptivePolling(spin)
        self._poll = select.poll()
        for descriptor in (control.fileno(), *self._by_descriptor):
            self._poll.register(descriptor, select.POLLIN)

    def tell(self, frame: list[wire.Buffer]) -> None:
        """Write a frame to each of the server's processes. One that is gone is noticed at the next receive."""
        for connection in self._by_descriptor.values():
            try:
                connection.send(frame)
            except (BrokenPipeError, ConnectionResetError):
                continue

    def next(self) -> tuple[FrameConnection, dict[str, Any], list[Any]]:
        """Return where the next call came from, its header and values. Raises EOFError when the server is gone."""
        while True:
            self._take_in()
            for _ in range(len(self._turns)):
                connection = self._turns[0]
                self._turns.rotate(-1)
                held = self._held[connection]
                if held:
                    self._tell_turn()
                    header, values = held.pop(next(iter(held)))
                    return connection, header, values

    def begin(self, connection: FrameConnection, number: int, ahead: int) -> RunningStream:
        """Begin a stream, and send "busy" to all of the server's processes.

        Calls received meanwhile are refused: the server sends them to another process, or again when this one is free.
        """
        self._running = RunningStream(connection, number, ahead)
        self._tell_all({"event": "busy"})
        return self._running

    def goes_on(self, running: RunningStream) -> bool:
        """Return whether the stream is still wanted, when the server takes another part of it or wants no more."""
        self._receive_during_stream(running, 0)
        while not running.ahead and not running.cancelled:
            self._receive_during_stream(running, None)
        return not running.cancelled

    def end(self, running: RunningStream) -> None:
        """End a stream, and send "free" to all of the server's processes."""
        self._running = None
        if running.cancelled and not running.gone:
            _tell(running.connection, {"event": "cancelled", "id": running.number})
        self._tell_all({"event": "free"})

    def _tell_turn(self) -> None:
        """Send a sign of life to the server processes whose calls wait: else a process busy with others' calls seems to hang."""
        if len(self._held) == 1:
            return  # Answers to its other calls are sign enough.
        now = time.monotonic()
        if now - self._turn_sent >= TURN_SECONDS:
            self._turn_sent = now
            for connection, held in self._held.items():
                if held:
                    _tell(connection, {"event": "turn"})

    def _tell_all(self, header: dict[str, Any]) -> None:
        for connection in self._turns:
            _tell(connection, header)

    def _receive_during_stream(self, running: RunningStream, timeout: int | None) -> None:
        """Receive frames while a stream runs, and refuse new calls; without waiting where ``timeout`` is 0."""
        for descriptor, _ in self._poll.poll(timeout):
            if descriptor == self._control.fileno():
                running.cancelled = True  # The server is gone, as the next receive will raise.
            else:
                self._receive(self._by_descriptor[descriptor])
        for connection, held in self._held.items():
            for number in held:
                _tell(connection, {"event": "refused", "id": number})
            held.clear()

    def _take_in(self) -> None:
        """Receive what has come, and something if nothing is held."""
        while True:
            for descriptor in self._readable():
                if descriptor == self._control.fileno():
                    raise EOFError
                self._receive(self._by_descriptor[descriptor])
            if any(self._held.values()):
                return

    def _readable(self) -> list[int]:
        """Return the descriptors from which something has come; wait for one if nothing is held."""
        if any(self._held.values()):
            return [descriptor for descriptor, _ in self._poll.poll(0)]
        self._spin.begin()
        found: list[tuple[int, int]] = []
        while not found and self._spin.goes_on():
            os.sched_yield()  # Whoever has work to do on this CPU comes first.
            found = self._poll.poll(0)
        found = found or self._poll.poll()
        self._spin.end()
        return [descriptor for descriptor, _ in found]

    def _receive(self, connection: FrameConnection) -> None:
        """Receive a frame, and those that came with it."""
        held = self._held[connection]
        while True:
            try:
                header, values = connection.receive()
            except (EOFError, ConnectionResetError):
                self._leave(connection)
                return
            if "id" in header:
                held[header["id"]] = header, values
            elif held.pop(header.get(CANCEL, -1), None):
                # Every call gets one answer. One that is not held has been answered, or runs.
                connection.send(wire.pack({"event": "cancelled", "id": header[CANCEL]}, []))
            else:
                self._said(connection, header)
            if not connection.waits:
                return

    def _said(self, connection: FrameConnection, header: dict[str, Any]) -> None:
        """Handle a frame about the stream that runs; one about any other is too late."""
        running = self._running
        if running is None or running.connection is not connection:
            return
        if header.get(CANCEL) == running.number:
            running.cancelled = True
        elif header.get(MORE) == running.number:
            running.ahead += 1

    def _leave(self, connection: FrameConnection) -> None:
        """Forget one of the server's processes, which is gone with its calls."""
        if self._running is not None:
            self._running.gone |= self._running.connection is connection
            self._running.cancelled |= self._running.gone
        self._poll.unregister(connection.fileno())
        self._turns.remove(connection)
        del self._held[connection]
        del self._by_descriptor[connection.fileno()]
        connection.close()


def _tell(connection: FrameConnection, header: dict[str, Any]) -> None:
    """Send a frame without values. Whether its receiver is gone is seen when something is received from it."""
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.send(wire.pack(header, []))
