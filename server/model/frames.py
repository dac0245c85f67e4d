"""Frames (server.model.worker.wire) over a stream of asyncio."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, Self

from server.model.worker import wire

LIMIT = 2**20


class Frames:
    """One end of a Unix socket that frames go over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, sock: socket.socket) -> Self:
        """Return the frames over ``sock``, which is connected."""
        return cls(*await asyncio.open_connection(sock=sock, limit=LIMIT))

    async def send(self, header: dict[str, Any], values: list[Any]) -> None:
        """Write a frame."""
        await self.write(wire.pack(header, values))

    async def write(self, frame: list[wire.Buffer]) -> None:
        """Write a frame that is packed already."""
        self.put(frame)
        await self._writer.drain()

    def put(self, frame: list[wire.Buffer]) -> None:
        """Leave a small frame to be written."""
        self._writer.writelines(frame)

    async def receive(self) -> tuple[dict[str, Any], list[Any]]:
        """Return the next frame's header and values.

        Raises:
            asyncio.IncompleteReadError: the other end is gone.
        """
        prefix = await self._reader.readexactly(wire.PREFIX.size)
        header_size, body_size = wire.PREFIX.unpack(prefix)
        header = json.loads(await self._reader.readexactly(header_size))
        return header, wire.unpack(header, await self._reader.readexactly(body_size))

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
