"""The listening socket of an interface, opened before the processes fork: all of them accept on it."""

from __future__ import annotations

import socket
from typing import Any

from server.errors import BadSetting

# Connections that the kernel holds until they are accepted; it takes net.core.somaxconn where that is less.
BACKLOG = 2048
LAST_PORT = 65_535


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
