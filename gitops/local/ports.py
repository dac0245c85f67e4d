"""Ports on loopback: the gateway's, as requested, and free ones for the containers."""

from __future__ import annotations

import errno
import secrets
import socket
from contextlib import closing
from pathlib import Path

from gitops.errors import BadArgument, PortInUse

HOST = "127.0.0.1"
# Above those that programs are known by, and below Kubernetes' node ports.
FREE = range(10_000, 30_000)
LEAST = 1_000
# What the system takes for connections to elsewhere (Linux, ip-sysctl).
OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def bind(port: int) -> socket.socket:
    """Return a socket that holds ``port`` but does not listen yet; 0 takes any free port.

    Raises:
        PortInUse: another process listens there.
        BadArgument: this user may not have the port, or there is no such port.
    """
    holder = socket.socket()
    # A port whose last connections are still closing is free.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((HOST, port))
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} of {HOST} is in use: stop the process that listens there, or choose another "
                f"port, as in `make demo PORT={port + 1 if port < 65535 else 8080}`"
            ) from error
        raise BadArgument(
            f"port {port} of {HOST} cannot be had ({error.strerror}); choose one from 1024 to 65535"
        ) from error
    return holder


def free(count: int) -> list[int]:
    """Return ``count`` ports on which nothing listens, and which no other call returned, in any process that still runs.

    A container may take seconds until it listens on its port. So they are none of those that the system hands
    out meanwhile to connections and to whoever asks for any port; and until this process ends, it holds the same ports of
    UDP, which nobody else uses, so that every process that asks for free ones passes over them.
    """
    choice = _choice()
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(choice)
        if _is_free(port) and _hold(port):
            found.append(port)
    return found


def _choice() -> range:
    try:
        first, last = map(int, OUTGOING.read_text().split())
    except OSError:  # another system than Linux: they begin at 49,152
        return FREE
    below, above = range(FREE.start, min(FREE.stop, first)), range(last + 1, 65_536)
    best = max(below, above, key=len)
    return best if len(best) >= LEAST else FREE


def _is_free(port: int) -> bool:
    # On all addresses, as the containers listen.
    with closing(socket.socket()) as probe:
        return _bound(probe, port)


def _hold(port: int) -> bool:
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as holder:
        held = _bound(holder, port)
        if held:
            holder.detach()  # Its descriptor stays open.
        return held


def _bound(sock: socket.socket, port: int) -> bool:
    try:
        sock.bind(("", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True
