"""Frames (server.ipc.wire) as an asyncio protocol."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, cast

import orjson

from server.ipc import control_frame, wire


# The standard library's JSON takes ten times as long, but knows what orjson does not: NaN, which is among parameters
# if anywhere, large numbers, and halves of surrogate pairs.
def _dumped(header: dict[str, Any]) -> bytes:
    if "params" not in header:
        with suppress(orjson.JSONEncodeError):
            return orjson.dumps(header, option=orjson.OPT_NON_STR_KEYS)
    return control_frame.dumped(header)


def _encoded(value: Any) -> bytes:
    """Return a value as JSON: a column of texts, of which a table may have hundreds, by orjson, which writes the same."""
    if isinstance(value, list) and set(map(type, value)) <= {str, type(None)}:
        with suppress(orjson.JSONEncodeError):
            return orjson.dumps(value)
    return wire.encoded(value)


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def header(text: bytes) -> dict[str, Any]:
    """Return the header of a frame.

    Raises:
        BadFrame: it is no JSON object.
    """
    try:
        found = _loaded(text)
    except (ValueError, RecursionError) as error:
        raise wire.BadFrame(f"a frame's header is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise wire.BadFrame(f"a frame's header is a {type(found).__name__}, and must be an object")
    return found


class FrameProtocol(asyncio.Protocol):
    """An asyncio protocol of frames over a Unix socket: calls ``received`` per frame, and ``ended``.

    Args:
        largest: how many bytes a frame that comes may have.
    """

    def __init__(self, largest: int = wire.LARGEST) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._largest = largest
        self._broken = False

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Take a frame's header and values; arrays are read-only.

        Raises:
            BadFrame: the frame violates the protocol.
        """
        raise NotImplementedError

    def broken(self, why: str) -> None:
        """Handle a violation of the protocol by the peer, whose connection is closed already; ``ended`` is called next."""
        raise NotImplementedError

    def ended(self) -> None:
        """Handle the end of the connection, closed by either side."""
        raise NotImplementedError

    def send(self, header: dict[str, Any], values: list[Any]) -> None:
        """Write a frame, or nothing when the peer is gone: ``ended`` reports that."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(wire.pack(header, values, _dumped, _encoded))

    def close(self) -> None:
        """Close this end."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close this end now, without sending what is buffered; frames received later are ignored."""
        self._broken = True
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (asyncio)."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End (asyncio)."""
        self.ended()

    def data_received(self, data: bytes) -> None:
        """Deliver the complete frames (asyncio)."""
        if self._broken:
            return
        try:
            self._take(data)
        except wire.BadFrame as error:
            self.abort()
            self.broken(str(error))

    def _take(self, data: bytes) -> None:
        if self._buffer:
            self._buffer += data
            data = bytes(self._buffer) if self._whole(self._buffer) else b""
            if not data:
                return
            self._buffer.clear()
        start = 0
        while not self._broken and (end := self._whole(data, start)):
            header_size, _ = control_frame.PREFIX.unpack_from(data, start)
            body = start + control_frame.PREFIX.size + header_size
            said = header(data[start + control_frame.PREFIX.size : body])
            self.received(said, wire.unpack(said, memoryview(data)[body:end]))
            start = end
        self._buffer += memoryview(data)[start:]

    def _whole(self, data: bytes | bytearray, start: int = 0) -> int:
        """Return where the frame at ``start`` ends, or 0 while there is only a part of it."""
        if len(data) - start < control_frame.PREFIX.size:
            return 0
        end = start + control_frame.PREFIX.size + sum(wire.size(data, start, self._largest))
        return end if end <= len(data) else 0
