"""One end of a socket that frames go over, used blockingly."""

from __future__ import annotations

import json
import select
import socket
from typing import Any, Dict, List, Tuple

from . import wire

# A header and its values.
Frame = Tuple[Dict[str, Any], List[Any]]


class Connection:
    """A connected Unix socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def readable(self) -> bool:
        """Whether a frame has begun to come in, or the other end is gone."""
        return bool(self._poll.poll(0))

    def receive(self) -> Frame:
        """Return the next frame's header and values. Raises EOFError when the other end is gone."""
        header_size, body_size = wire.PREFIX.unpack(self._exactly(wire.PREFIX.size))
        header = json.loads(bytes(self._exactly(header_size)))
        return header, wire.unpack(header, self._exactly(body_size))

    def send(self, frame: list[wire.Buffer]) -> None:
        """Write a frame."""
        if sum(len(buffer) for buffer in frame) < 65536:
            frame = [b"".join(frame)]
        for buffer in frame:
            self._sock.sendall(buffer)

    def _exactly(self, size: int) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            received = self._sock.recv_into(view)
            if received == 0:
                raise EOFError
            view = view[received:]
        return buffer
