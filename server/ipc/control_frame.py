"""A frame of the control connection: a header without values, with which sockets are passed (SCM_RIGHTS, unix(7)).

Apart from the other frames, since a process that is forked later must not import numpy, whose BLAS starts threads.
"""

from __future__ import annotations

import array
import json
import socket
import struct
from typing import Any, Sequence

PREFIX = struct.Struct("<IQ")
ALIGNMENT = 16


def dumped(header: dict[str, Any]) -> bytes:
    """Return a frame's header as it is written."""
    return json.dumps(header).encode()


def headed(text: bytes, body_size: int) -> bytes:
    """Return the beginning of a frame, up to its body: a prefix, the header's text, and spaces."""
    text += b" " * (-(PREFIX.size + len(text)) % ALIGNMENT)
    return PREFIX.pack(len(text), body_size) + text


def tell(sock: socket.socket, header: dict[str, Any], sockets: Sequence[socket.socket] = ()) -> None:
    """Write a frame without values, and pass ``sockets`` with it (server.model.control_socket)."""
    frame = headed(dumped({**header, "sockets": len(sockets), "values": []}), 0)
    descriptors = array.array("i", [each.fileno() for each in sockets])
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if sockets else []
    sent = sock.sendmsg([frame], rights)
    sock.sendall(frame[sent:])
