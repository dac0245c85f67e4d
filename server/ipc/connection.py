"""A blocking connection that sends and receives frames."""

from __future__ import annotations

import json
import socket
from typing import Any, Dict, List, Sequence, Tuple

from . import control_frame, wire

# A header and its values.
Frame = Tuple[Dict[str, Any], List[Any]]
SMALL = 65536


class FrameConnection:
    """A connected Unix socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # What has come of the next frames.
        self._rest = bytearray()

    @property
    def waits(self) -> bool:
        """Whether a part of the next frame has come with the last one."""
        return bool(self._rest)

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._sock.fileno()

    def receive(self) -> Frame:
        """Return the next frame's header and values. Raises EOFError when the other end is gone."""
        data = self._at_least(control_frame.PREFIX.size, self._rest)
        header_size, body_size = control_frame.PREFIX.unpack_from(data)
        body = control_frame.PREFIX.size + header_size
        end = body + body_size
        data = self._at_least(end, data)
        self._rest = data[end:]
        view = memoryview(data)
        header = json.loads(bytes(view[control_frame.PREFIX.size : body]))
        return header, wire.unpack(header, view[body:end])

    def send(self, frame: list[wire.Buffer]) -> None:
        """Write a frame."""
        if sum(len(buffer) for buffer in frame) < SMALL:
            frame = [b"".join(frame)]
        for buffer in frame:
            self._sock.sendall(buffer)

    def tell(self, header: dict[str, Any], sockets: Sequence[socket.socket] = ()) -> None:
        """Write a small frame without values, and hand ``sockets`` over with it (server.model.control_socket)."""
        control_frame.tell(self._sock, header, sockets)

    def close(self) -> None:
        """Close this end."""
        self._sock.close()

    def _at_least(self, size: int, data: bytearray) -> bytearray:
        """Return ``data`` with what comes behind it, until it has so many bytes; a small frame takes one call."""
        while len(data) < size:
            if size - len(data) <= SMALL:
                received = self._sock.recv(SMALL)
                if not received:
                    raise EOFError
                data += received
            else:
                data = self._grown(data, size)
        return data

    def _grown(self, data: bytearray, size: int) -> bytearray:
        """Return ``data`` with what comes behind it in a buffer of exactly so many bytes."""
        buffer = bytearray(size)
        buffer[: len(data)] = data
        view = memoryview(buffer)[len(data) :]
        while view:
            received = self._sock.recv_into(view)
            if received == 0:
                raise EOFError
            view = view[received:]
        return buffer
