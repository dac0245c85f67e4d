"""Accept connections on a socket that several processes listen on, evenly: the process with the fewest goes first."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable

from server.container import file_descriptors
from server.shared_counter import SharedCounter

# How long a connection is left to a process with fewer of them, which may be busy, in seconds.
YIELD_SECONDS = 0.002
# Pause after accept failed for lack of file descriptors or memory.
EXHAUSTED_SECONDS = 1.0
# That is logged at most once in so many seconds.
LOG_INTERVAL_SECONDS = 60.0

log = logging.getLogger(__name__)


class Acceptor:
    """Accepts one connection at a time, until closed.

    asyncio's own server accepts the whole backlog at once, which leaves none to other processes.

    Args:
        sock: the socket that listens.
        protocol: makes the protocol of a connection.
        connections: how many each process has.
    """

    def __init__(
        self, sock: socket.socket, protocol: Callable[[], asyncio.Protocol], connections: SharedCounter
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._protocol = protocol
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._taken: set[asyncio.Task[object]] = set()
        self._resuming: asyncio.TimerHandle | None = None
        self._logged_at = -math.inf
        self._loop.add_reader(sock, self._readable)

    def close(self) -> None:
        """Accept the backlog, whose clients may have sent a request, then close the socket."""
        while self._accept():
            pass
        if self._resuming is not None:
            self._resuming.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    @property
    def pending(self) -> bool:
        """Whether an accepted connection has not been handed to its protocol yet."""
        return bool(self._taken)

    def _readable(self) -> None:
        if self._connections.least:
            self._accept()
        else:
            self._pause(YIELD_SECONDS)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock)
        self._resuming = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._resuming = None
        self._loop.add_reader(self._sock, self._readable)
        self._accept()

    def _accept(self) -> bool:
        """Accept one connection; return whether there was one."""
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return False  # Another process has it, or its client has gone.
        except OSError as error:
            if error.errno not in file_descriptors.EXHAUSTED:
                raise
            self._log_exhausted(error)
            self._pause(EXHAUSTED_SECONDS)
            return False
        sock.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, sock))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)
        return True

    def _log_exhausted(self, error: OSError) -> None:
        now = self._loop.time()
        if now - self._logged_at >= LOG_INTERVAL_SECONDS:
            self._logged_at = now
            log.error(
                "connections wait until others end (%s): a process of the server may have %d files and connections "
                "open; raise the container's limit of open files, or lower SERVER_MAX_CONNECTIONS",
                *(error.strerror, file_descriptors.limit()),
            )
