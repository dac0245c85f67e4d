"""Take connections from a socket that several processes listen on, so that each of them gets its share."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable

from server import descriptors
from server.shared_counter import SharedCounter

# How long a connection is left to a process that has fewer, which may be busy, in seconds.
YIELD_SECONDS = 0.002
# How long none is taken where there is no descriptor or memory for it.
EXHAUSTED_SECONDS = 1.0
# How long nothing more is said of that.
QUIET_SECONDS = 60.0

log = logging.getLogger(__name__)


class Acceptor:
    """Takes one connection after the other, until closed.

    A server of the event loop takes all that wait at once, and its neighbours go without.

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
        self._again: asyncio.TimerHandle | None = None
        self._said = -math.inf
        self._loop.add_reader(sock, self._readable)

    def close(self) -> None:
        """Take those that have been made, which may have sent a request, and no more; the socket is closed."""
        while self._accept():
            pass
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    @property
    def pending(self) -> bool:
        """Whether a connection was taken that its protocol has not got yet."""
        return bool(self._taken)

    def _readable(self) -> None:
        if self._connections.least:
            self._accept()
        else:
            self._pause(YIELD_SECONDS)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._sock)
        self._again = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._again = None
        self._loop.add_reader(self._sock, self._readable)
        self._accept()

    def _accept(self) -> bool:
        """Take one connection; return whether there was one."""
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return False  # Another process has it, or its client has gone.
        except OSError as error:
            if error.errno not in descriptors.EXHAUSTED:
                raise
            self._say(error)
            self._pause(EXHAUSTED_SECONDS)
            return False
        sock.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, sock))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)
        return True

    def _say(self, error: OSError) -> None:
        now = self._loop.time()
        if now - self._said >= QUIET_SECONDS:
            self._said = now
            log.error(
                "connections wait until others end (%s): a process of the server may have %d files and connections "
                "open; raise the container's limit of open files, or lower SERVER_MAX_CONNECTIONS",
                *(error.strerror, descriptors.limit()),
            )
