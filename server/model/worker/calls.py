"""The calls that have come and have not been started."""

from __future__ import annotations

import os
import select
from collections import deque
from typing import Any

from . import wire
from .connection import Connection, Frame
from .spin import Spin

CANCEL = "cancel"


class Calls:
    """Calls from several servers' processes: of one in the order that they came in, of several in turn.

    One that the server cancels before it is started is not run.

    Args:
        connections: one to each of the server's processes.
        control: the connection to the process that rules them; nothing comes over it but its end.
        spin: how long to look for the next call before sleeping, in seconds.
    """

    def __init__(self, connections: list[Connection], control: Connection, spin: float = 0) -> None:
        self._control = control
        self._by_descriptor = {connection.fileno(): connection for connection in connections}
        self._turns: deque[Connection] = deque(connections)
        self._held: dict[Connection, dict[int, Frame]] = {connection: {} for connection in connections}
        self._spin = Spin(spin)
        self._poll = select.poll()
        for descriptor in (control.fileno(), *self._by_descriptor):
            self._poll.register(descriptor, select.POLLIN)

    def tell(self, frame: list[wire.Buffer]) -> None:
        """Write a frame to each of the server's processes. One that is gone is found to be so when it is listened to."""
        for connection in self._by_descriptor.values():
            try:
                connection.send(frame)
            except (BrokenPipeError, ConnectionResetError):
                continue

    def next(self) -> tuple[Connection, dict[str, Any], list[Any]]:
        """Return where the next call came from, its header and values. Raises EOFError when the server is gone."""
        while True:
            self._take_in()
            for _ in range(len(self._turns)):
                connection = self._turns[0]
                self._turns.rotate(-1)
                held = self._held[connection]
                if held:
                    header, values = held.pop(next(iter(held)))
                    return connection, header, values

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

    def _receive(self, connection: Connection) -> None:
        """Receive a frame, and those that came with it."""
        held = self._held[connection]
        while True:
            try:
                header, values = connection.receive()
            except (EOFError, ConnectionResetError):
                self._leave(connection)
                return
            if CANCEL not in header:
                held[header["id"]] = header, values
            elif held.pop(header[CANCEL], None):
                # Every call gets one answer. One that is not held has been answered.
                connection.send(wire.pack({"event": "cancelled", "id": header[CANCEL]}, []))
            if not connection.waits:
                return

    def _leave(self, connection: Connection) -> None:
        """Forget one of the server's processes, which is gone with its calls."""
        self._poll.unregister(connection.fileno())
        self._turns.remove(connection)
        del self._held[connection]
        del self._by_descriptor[connection.fileno()]
        connection.close()
