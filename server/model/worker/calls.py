"""The calls that have come and have not been started."""

from __future__ import annotations

from . import wire
from .connection import Connection, Frame

CANCEL = "cancel"


class Calls:
    """Calls in the order that they came in. One that the server cancels before it is started is not run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: dict[int, Frame] = {}

    def next(self) -> Frame:
        """Return the next call's header and values. Raises EOFError when the server is gone."""
        while not self._held or self._connection.readable():
            header, values = self._connection.receive()
            if CANCEL not in header:
                self._held[header["id"]] = header, values
            elif self._held.pop(header[CANCEL], None):
                # Every call gets one answer. One that is not held has been answered.
                self._connection.send(wire.pack({"event": "cancelled", "id": header[CANCEL]}, []))
        return self._held.pop(next(iter(self._held)))
