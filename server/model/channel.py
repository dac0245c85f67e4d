"""The server's end of the socket to one process of the model: batches out, their answers in."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Sequence
from typing import Any

from server.errors import BadData, ModelFailed, NotReady
from server.model.batch import Call, Result, joined, parted
from server.model.frames import Frames
from server.model.worker.calls import CANCEL

# How many batches the model's process may hold: the one that it runs and the next, so that it need not wait for that.
HELD = 2

ENDED = "the model's process ended before it answered; it is being started again: send the request again"


class Channel(Frames):
    """One connection to one process of the model.

    Args:
        sock: the connected socket.
        retry: takes the calls that failed together, or had no row each in the result.
        answered: is told when there is room for a batch, and how many seconds the model took where it was called.
        left: is told when there is no process any more.
    """

    def __init__(
        self,
        sock: socket.socket,
        retry: Callable[[Sequence[Call]], None],
        answered: Callable[[float | None], None],
        left: Callable[[], None],
    ) -> None:
        super().__init__()
        self.sock = sock
        self.open = True
        self._retry = retry
        self._answered = answered
        self._left = left
        self._numbers = itertools.count()
        self._held: dict[int, list[Call]] = {}
        # By method, what the model calls the columns of its answers.
        self._names: dict[str, list[str]] = {}

    @property
    def held(self) -> int:
        """How many batches the process holds."""
        return len(self._held)

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

    def drop(self, call: Call) -> None:
        """Take notice that nobody awaits a call any more: if the process has not started with it, it is not run."""
        for number, calls in self._held.items():
            if call in calls:
                if all(each.answer.done() for each in calls):
                    self.send({CANCEL: number}, [])
                return

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Hand an answer to its calls."""
        if header["event"] == "names":
            self._names = header["names"]
            return
        calls = self._held.pop(header["id"])
        if header["event"] == "result":
            known = self._names.get(calls[0].header["method"])
            self._settle(calls, Result(values[0], header["names"], known))
        elif header["event"] == "error":
            self._fail(calls, f"{header['type']}: {header['message']}")
        self._answered(header.get("seconds"))

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

    def _fail(self, calls: list[Call], message: str) -> None:
        if len(calls) > 1:
            self._retry(calls)  # One of them did it, and shall be the only one to hear of it.
        elif not calls[0].answer.done():
            calls[0].answer.set_exception(ModelFailed(message))
