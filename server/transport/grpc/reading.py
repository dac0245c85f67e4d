"""Reading a bounded number of messages at a time: each may reach the largest size before its size is known."""

from __future__ import annotations

import asyncio
from typing import Any

from server.errors import BadData, Overloaded, TooSlow

# How long a message may take to come while others wait for it.
HURRY_SECONDS = 0.5


class Reading:
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
            raise BadData("the request has no message: this method takes one")
        return body

    async def _read(self, context: Any) -> object:
        hurried = self._waiting > 0
        try:
            async with asyncio.timeout(HURRY_SECONDS if hurried else self._seconds) as timeout:
                self._timeouts.add(timeout)
                try:
                    return await context.read()
                finally:
                    self._timeouts.remove(timeout)
        except TimeoutError as error:
            if self._waiting:
                raise Overloaded(
                    f"the request has not come in {HURRY_SECONDS:g} seconds, and others wait to be read: send it again later"
                ) from error
            raise TooSlow(
                f"the request has not come in {self._seconds:g} seconds: send it faster, or raise SERVER_READ_SECONDS"
            ) from error

    async def _wait(self) -> None:
        """Wait until a message may be read, and hurry those that are."""
        end = asyncio.get_running_loop().time() + HURRY_SECONDS
        for timeout in self._timeouts:
            if (timeout.when() or end) > end:
                timeout.reschedule(end)
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
