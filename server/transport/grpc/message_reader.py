"""Reading a bounded number of messages at a time: each may reach the largest size before its size is known."""

from __future__ import annotations

import asyncio
from typing import Any

from server.errors import BadData, BodyTooLarge, Overloaded, TooSlow
from server.telemetry.call_record import current

# How long the library may take to cancel a call whose message it has refused.
REFUSED_SECONDS = 0.05
# How long a message may take to come while others wait for it.
HURRY_SECONDS = 0.5


class MessageReader:
    """Reads a bounded number of messages at a time.

    Flow control keeps unread messages at the client, but for the window of the stream. While others wait, a slow sender has
    ``HURRY_SECONDS`` to complete its message.

    Args:
        most: how many messages are read at a time.
        seconds: how long one may take to come, and to be read at all.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._seconds = seconds
        self._waiting = 0
        self._timeouts: set[asyncio.Timeout] = set()

    async def read(self, context: Any) -> bytes:
        """Return a call's message.

        Raises:
            TooSlow: it does not come.
            Overloaded: too many others are being read or wait to be.
            BadData: there is none.
        """
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()  # At once.
        try:
            body = await self._read(context)
        finally:
            self._free.release()
        if not isinstance(body, bytes):
            await _refused()
            raise BadData("the request has no message: this method takes one")
        return body

    async def _read(self, context: Any) -> object:
        last = asyncio.get_running_loop().time() + self._seconds
        timeout = asyncio.timeout_at(last)
        try:
            async with timeout:
                self._timeouts.add(timeout)
                if self._waiting:
                    self._hurry(timeout)
                try:
                    return await context.read()
                finally:
                    self._timeouts.remove(timeout)
        except TimeoutError as error:
            # The others for whom it was hurried may have come through since.
            if timeout.when() != last:
                raise Overloaded(
                    f"the request has not come in {HURRY_SECONDS:g} seconds while others waited to be read: send it again later"
                ) from error
            raise TooSlow(
                f"the request has not come in {self._seconds:g} seconds: send it faster, or raise SERVER_READ_SECONDS"
            ) from error

    def _hurry(self, timeout: asyncio.Timeout) -> None:
        end = asyncio.get_running_loop().time() + HURRY_SECONDS
        if (timeout.when() or end) > end:
            timeout.reschedule(end)

    async def _wait(self) -> None:
        """Wait until a message may be read, and hurry those that are."""
        for timeout in self._timeouts:
            self._hurry(timeout)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise Overloaded(
                f"the request could not be read in {self._seconds:g} seconds, since others come: send it again later"
            ) from error
        finally:
            self._waiting -= 1


async def _refused() -> None:
    """Note in the call's record where the library has refused its message, which is too large.

    Its client gets RESOURCE_EXHAUSTED; here there is no message then, and the call is cancelled.
    """
    try:
        await asyncio.sleep(REFUSED_SECONDS)
    except asyncio.CancelledError:
        record = current()
        if record is not None:
            error = record.error = BodyTooLarge("the message is larger than SERVER_GRPC_MAX_MESSAGE_BYTES")
            record.code = error.grpc
        raise
