"""A control socket between two processes: small frames, with which sockets are passed (SCM_RIGHTS).

A frame's header says by ``sockets`` how many came with its first byte (SCM_RIGHTS, unix(7)).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from server.ipc import control_frame, wire
from server.model import frame_protocol
from server.operating_system import CLOSE_ON_EXEC

AT_ONCE = 65536
# The kernel's own limit for one message (SCM_MAX_FD).
MOST_SOCKETS = 253
# Which methods a model has, and what to say of it: a frame has some kilobytes.
LARGEST = 1 << 20


class ControlSocket:
    """A connected Unix socket, which is made non-blocking."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._buffer = bytearray()
        self._sockets: list[socket.socket] = []

    async def receive(self) -> tuple[dict[str, Any], list[socket.socket]]:
        """Return the next frame's header, and the sockets that came with it.

        Raises:
            EOFError: the other end is gone.
            BadFrame: what it says is no frame.
            OSError: this process can have no more sockets, and so has not got all that were handed over.
        """
        while True:
            header = self._taken()
            if header is not None:
                count = header.get("sockets", 0)
                if type(count) is not int or not 0 <= count <= len(self._sockets):
                    raise wire.BadFrame(
                        f"a frame tells of {count!r} sockets, and {len(self._sockets)} have come"
                    )
                sockets, self._sockets = self._sockets[:count], self._sockets[count:]
                return header, sockets
            await self._readable()
            try:
                data, descriptors, flags, _ = socket.recv_fds(
                    self._sock, AT_ONCE, MOST_SOCKETS, CLOSE_ON_EXEC
                )
            except BlockingIOError:
                continue
            except ConnectionResetError as error:
                raise EOFError from error
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)  # Where there is no CLOSE_ON_EXEC.
                self._sockets.append(socket.socket(fileno=descriptor))
            if flags & socket.MSG_CTRUNC:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            if not data:
                raise EOFError
            if len(self._sockets) > MOST_SOCKETS:
                raise wire.BadFrame(f"{len(self._sockets)} sockets have come that no frame tells of")
            self._buffer += data

    def send(self, header: dict[str, Any], sockets: Sequence[socket.socket] = ()) -> None:
        """Write a frame and hand ``sockets`` over with it, or do nothing where the other end is gone."""
        frame = b"".join(wire.pack({**header, "sockets": len(sockets)}, []))
        try:
            socket.send_fds(self._sock, [frame], [each.fileno() for each in sockets])
        except ConnectionError:
            return

    async def write(self, header: dict[str, Any], values: Sequence[Any] = ()) -> None:
        """Write a frame of any size without holding the event loop; it ends early where the other end is gone."""
        frame = b"".join(wire.pack({**header, "sockets": 0}, list(values)))
        with suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self._sock, frame)

    def finish(self) -> None:
        """Shut down sending: the peer reads the end of the stream."""
        with suppress(OSError):  # It is gone.
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end, and what was handed over and not taken."""
        for sock in (self._sock, *self._sockets):
            sock.close()

    def _taken(self) -> dict[str, Any] | None:
        """Return the header of the first frame if it is complete."""
        if len(self._buffer) < control_frame.PREFIX.size:
            return None
        header_size, body_size = wire.size(self._buffer, 0, LARGEST)
        end = control_frame.PREFIX.size + header_size
        if len(self._buffer) < end + body_size:
            return None
        header = frame_protocol.header(bytes(self._buffer[control_frame.PREFIX.size : end]))
        del self._buffer[: end + body_size]
        return header

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._sock, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._sock)
