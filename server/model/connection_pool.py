"""The connections of one process of the server to the model's processes, and busy polling of them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from server.ipc.busy_polling import AdaptivePolling
from server.model.batcher import Call
from server.model.worker_connection import WorkerConnection

# How long what a process sent before its end is still read.
END_SECONDS = 0.1


class BusyPoller:
    """Busy-polls for an answer for a bounded time.

    Args:
        seconds: the longest that it polls; 0 turns it off.
        awaited: says whether there is an answer to come.
    """

    def __init__(self, seconds: float, awaited: Callable[[], bool]) -> None:
        self._spin = AdaptivePolling(seconds)
        self._awaited = awaited
        self._polling = False

    def begin(self) -> None:
        """Start polling: an answer is expected."""
        self._spin.begin()
        if not self._polling:
            self._poll()

    def end(self) -> None:
        """Record that an answer has come."""
        self._spin.end()

    def _poll(self) -> None:
        self._polling = self._spin.goes_on() and self._awaited()
        if self._polling:
            os.sched_yield()  # Whoever has work to do on this CPU comes first.
            asyncio.get_running_loop().call_soon(self._poll)


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
