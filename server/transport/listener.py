"""The listening socket of an interface, on which several processes accept connections evenly.

It is opened before the processes fork. Of those that listen the one with the fewest connections goes first.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable
from typing import Any

from server import container
from server.errors import BadSetting
from server.shared_state import SharedCounter

log = logging.getLogger(__name__)

# Connections that the kernel holds until they are accepted; it takes net.core.somaxconn where that is less.
BACKLOG = 2048
LAST_PORT = 65_535
# How long a connection is left to a process with fewer of them, which may be busy, in seconds.
YIELD_SECONDS = 0.002
# Pause after accept failed for lack of file descriptors or memory.
EXHAUSTED_SECONDS = 1.0
# That is logged at most once in so many seconds.
LOG_INTERVAL_SECONDS = 60.0


def listen(host: str, port: int, setting: str = "PREDICTIVE_UNIT_HTTP_SERVICE_PORT") -> socket.socket:
    """Return a socket that listens on an address of this machine; port 0 is any free one. ``setting`` is the port's.

    Of a name with several addresses it is the first. ``::`` takes IPv4 as well where the machine can.

    Raises:
        BadSetting: the address is not this machine's, or the port is in use, not allowed or none at all.
    """
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        family, address = _found(host, port)
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        raise BadSetting(
            f"cannot listen on {host}:{port}: the port must be free and the address "
            f"this machine's; choose another by {setting} or SERVER_HOST"
        ) from error


def _found(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    if port > LAST_PORT:  # getaddrinfo would take it modulo 65,536.
        raise OSError(f"the last port is {LAST_PORT}")
    (family, _, _, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return family, address


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
            if error.errno not in container.EXHAUSTED:
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
                *(error.strerror, container.file_descriptor_limit()),
            )
