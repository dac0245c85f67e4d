"""The connections of one process of the server to the model's processes."""

from __future__ import annotations

import asyncio

from server.model.batcher import Call
from server.model.worker_connection import WorkerConnection

# How long what a process sent before its end is still read.
END_SECONDS = 0.1


class ConnectionPool:
    """Connections to the model's processes, balanced by batches in flight.

    Args:
        max_in_flight: how many batches a process may have in flight.
    """

    def __init__(self, max_in_flight: int) -> None:
        self._max_in_flight = max_in_flight
        self._connections: list[WorkerConnection] = []

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._connections)

    def add(self, connection: WorkerConnection) -> None:
        """Add a connection."""
        self._connections.append(connection)

    def leave(self) -> None:
        """Drop closed connections."""
        self._connections = [connection for connection in self._connections if connection.open]

    def least_loaded(self) -> WorkerConnection | None:
        """Return the connection with the fewest batches in flight, or None if all have the maximum."""
        connection = min(self._connections, key=lambda each: each.load, default=None)
        return connection if connection is not None and connection.load < self._max_in_flight else None

    @property
    def awaited(self) -> bool:
        """Whether a batch is in flight."""
        return any(connection.held for connection in self._connections)

    def unresponsive(self, now: float, seconds: float) -> list[WorkerConnection]:
        """Return the connections whose process has been silent, with a call in progress, for ``seconds`` or longer."""
        return [
            connection for connection in self._connections if connection.unresponsive_seconds(now) >= seconds
        ]

    def longest_unresponsive(self, now: float) -> float:
        """Return the longest silence of a process with a call in progress, in seconds."""
        return max((connection.unresponsive_seconds(now) for connection in self._connections), default=0.0)

    def drop(self, call: Call) -> None:
        """Cancel a call at the process that has it."""
        for connection in self._connections:
            connection.drop(call)

    def end(self, pid: int) -> None:
        """Drop the connections to a process that has ended, which a process that it has forked may keep open.

        What it has answered is read before.
        """
        for connection in self._connections:
            if connection.pid == pid:
                asyncio.get_running_loop().call_later(END_SECONDS, connection.abort)

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            connection.close()
