"""The server's end of the socket to the model's process: frames out, frames in, answers to their calls."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

from server.errors import ModelFailed, NotReady
from server.model.frames import Frames
from server.model.worker import wire
from server.model.worker.calls import CANCEL

# How many calls the model's process may hold: the one that it runs and the next, so that it need not wait for that.
HELD = 2


@dataclass(frozen=True)
class Result:
    """What the model returned: ``value`` is an ndarray, rows as lists, a str, bytes or a dict."""

    value: Any
    names: list[str] | None


class Channel(Frames):
    """One connection to one model process.

    Calls may overlap. Those that wait for the model wait here, in the order that they came in. A call that
    is cancelled before the model has started with it is not run.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._ids = itertools.count()
        self._turns = asyncio.Semaphore(HELD)
        self._ended = False
        self._waiting: dict[int, asyncio.Future[Result]] = {}

    async def call(self, header: dict[str, Any], values: list[Any]) -> Result:
        """Send a call and return the model's result.

        Raises:
            ModelFailed: the model raised; the message holds the exception's type and text.
            NotReady: the model's process ended before it answered.
        """
        number = next(self._ids)
        frame = wire.pack({**header, "id": number}, values)
        await self._turns.acquire()
        if self._ended:
            self._turns.release()
            raise NotReady(_ENDED)
        # From here on the turn is the process's: its answer gives it back, whether or not anyone waits for that.
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self.write(frame)
            return await answer
        except ConnectionError as error:
            answer.cancel()
            raise NotReady(_ENDED) from error
        except asyncio.CancelledError:
            answer.cancel()
            if number in self._waiting:
                self.put(wire.pack({CANCEL: number}, []))
            raise

    async def answer_calls(self) -> None:
        """Hand every answer to its call until the model's process is gone."""
        try:
            while True:
                header, values = await self.receive()
                self._settle(header, values)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The process's end is reported by whoever waits for it.
        finally:
            self._ended = True
            self._turns.release()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(NotReady(_ENDED))
            self._waiting.clear()

    def _settle(self, header: dict[str, Any], values: list[Any]) -> None:
        answer = self._waiting.pop(header["id"])
        self._turns.release()
        if answer.done():
            return  # The client went away meanwhile.
        if header["event"] == "result":
            answer.set_result(Result(values[0], header["names"]))
        else:
            answer.set_exception(ModelFailed(f"{header['type']}: {header['message']}"))


_ENDED = "the model's process ended before it answered; it is being started again: send the request again"
