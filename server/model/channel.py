"""The server's end of the socket to one process of the model: batches out, their answers in."""

from __future__ import annotations

import functools
import itertools
import math
import socket
from collections.abc import Callable, Sequence
from typing import Any

from server.errors import BadData, ModelFailed, NotReady, ServerError
from server.model.batch import Call, Result, joined, parted
from server.model.frames import Frames
from server.model.worker.calls import CANCEL, MORE

# How many batches the model's process may hold: the one that it runs and the next, so that it need not wait for that.
HELD = 2

ENDED = "the model's process ended before it answered; it is being started again: send the request again"


class Channel(Frames):
    """One connection to one process of the model.

    Args:
        sock: the connected socket.
        retry: takes the calls that failed together, or had no row each in the result.
        again: takes the calls that the process hands back.
        answered: is told when there is room for a batch.
        left: is told when there is no process any more.
    """

    def __init__(
        self,
        sock: socket.socket,
        retry: Callable[[Sequence[Call]], None],
        again: Callable[[list[Call]], None],
        answered: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        super().__init__()
        self.sock = sock
        self.open = True
        self._retry = retry
        self._again = again
        self._answered = answered
        self._left = left
        self._numbers = itertools.count()
        self._held: dict[int, list[Call]] = {}
        # By method, what the model calls the columns of its answers.
        self._names: dict[str, list[str]] = {}
        # The process answers a call in parts, perhaps another edge's, and takes no other meanwhile.
        self._busy = False
        # How many of the calls that it holds are answered in parts.
        self._streams = 0

    @property
    def held(self) -> int:
        """How many batches the process holds."""
        return len(self._held)

    @property
    def load(self) -> float:
        """How many batches are before another one."""
        return math.inf if self._busy or self._streams else len(self._held)

    def call(self, calls: list[Call]) -> None:
        """Send calls that fit each other as one."""
        number = next(self._numbers)
        try:
            self.send({**calls[0].header, "id": number}, joined(calls))
        except Exception as error:  # noqa: BLE001  it is the calls', which tell of it
            # Nothing of it was sent: what holds no place here must not keep one from others.
            refused = error
            if isinstance(error, RecursionError | ValueError):
                refused = BadData(
                    f"the request cannot be handed to the model: {error}; nest its lists and objects less"
                )
            for call in calls:
                call.answer.set_exception(refused)
            return
        self._held[number] = calls
        if calls[0].stream is not None:
            self._streams += 1
            calls[0].stream.ask = functools.partial(self.send, {MORE: number}, [])

    def drop(self, call: Call) -> None:
        """Take notice that nobody awaits a call any more: if the process has not started with it, it is not run."""
        for number, calls in self._held.items():
            if call in calls:
                if all(each.answer.done() for each in calls):
                    self.send({CANCEL: number}, [])
                return

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Hand an answer, or a part of one, to its calls."""
        event = header["event"]
        if event == "names":
            self._names = header["names"]
            return
        if event == "result":
            calls = self._held.pop(header["id"])
            known = self._names.get(calls[0].header["method"])
            self._settle(calls, Result(values[0], header["names"], known))
        elif event == "part":
            self._part(self._held[header["id"]][0], values[0])
            return
        else:
            self._end(event, header)
        self._answered()

    def ended(self) -> None:
        """Tell whoever awaits an answer that there will be none."""
        self.open = False
        for calls in self._held.values():
            for call in calls:
                if not call.answer.done():
                    call.answer.set_exception(NotReady(ENDED))
        self._held.clear()
        self._left()

    def _settle(self, calls: list[Call], result: Result) -> None:
        parts = parted(calls, result)
        if parts is None:
            self._retry(calls)
            return
        for call, part in zip(calls, parts, strict=True):
            if not call.answer.done():
                call.answer.set_result(part)

    def _end(self, event: str, header: dict[str, Any]) -> None:
        """End a call that has no result."""
        if event in ("busy", "free"):
            self._busy = event == "busy"
            return
        calls = self._held.pop(header["id"])
        if calls[0].stream is not None:
            self._streams -= 1
        if event == "refused":
            self._again(calls)
        elif event == "error":
            if header.get("refused"):
                self._fail(calls, BadData(f"the model cannot take the request: {header['message']}"))
            else:
                self._fail(calls, ModelFailed(f"{header['type']}: {header['message']}"))
        elif event == "end" and not calls[0].answer.done():
            calls[0].answer.set_result(Result(None, None))

    @staticmethod
    def _part(call: Call, value: Any) -> None:
        if call.stream is not None and not call.answer.done():
            call.stream.add(value)

    def _fail(self, calls: list[Call], error: ServerError) -> None:
        if len(calls) > 1:
            self._retry(calls)  # One of them did it, and shall be the only one to hear of it.
        elif not calls[0].answer.done():
            calls[0].answer.set_exception(error)
