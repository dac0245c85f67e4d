"""One end of a socket that frames go over, used blockingly."""

from __future__ import annotations

import array
import json
import socket
from typing import Any, Dict, List, Sequence, Tuple

from . import wire

# A header and its values.
Frame = Tuple[Dict[str, Any], List[Any]]
SMALL = 65536


class Connection:
    """A connected Unix socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._sock.fileno()

    def receive(self) -> Frame:
        """Return the next frame's header and values. Raises EOFError when the other end is gone."""
        header_size, body_size = wire.PREFIX.unpack(self._exactly(wire.PREFIX.size))
        header = json.loads(bytes(self._exactly(header_size)))
        return header, wire.unpack(header, self._exactly(body_size))

    def send(self, frame: list[wire.Buffer]) -> None:
        """Write a frame."""
        if sum(len(buffer) for buffer in frame) < SMALL:
            frame = [b"".join(frame)]
        for buffer in frame:
            self._sock.sendall(buffer)

    def tell(self, header: dict[str, Any], sockets: Sequence[socket.socket] = ()) -> None:
        """Write a small frame without values, and hand ``sockets`` over with it (server.model.control)."""
        frame = b"".join(wire.pack({**header, "sockets": len(sockets)}, []))
        descriptors = array.array("i", [each.fileno() for each in sockets])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if sockets else []
        sent = self._sock.sendmsg([frame], rights)
        self._sock.sendall(frame[sent:])

    def close(self) -> None:
        """Close this end."""
        self._sock.close()

    def _exactly(self, size: int) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            received = self._sock.recv_into(view)
            if received == 0:
                raise EOFError
            view = view[received:]
        return buffer
