"""Ports on loopback: the gateway's, which is asked for, and free ones for the containers."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from gitops.errors import BadArgument, PortInUse

HOST = "127.0.0.1"

# Handed out already; what was asked for a port may not listen there yet.
_given: set[int] = set()


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
    """Return ``count`` ports on which nothing listens, and which no earlier call returned."""
    found: list[int] = []
    with ExitStack() as holders:
        while len(found) < count:
            port = int(holders.enter_context(bind(0)).getsockname()[1])
            if port not in _given:
                _given.add(port)
                found.append(port)
    return found
