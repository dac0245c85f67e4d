"""What the server and the model's process say to each other beside the calls: what to load, how it went, which sockets."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from server.model.control import Control
from server.model.hello import Example
from server.model.worker.wire import BadFrame

# Takes the server's ends of the channels to a process of the model, its process id, and what the model's process said of
# itself.
Deliver = Callable[[list[socket.socket], int, dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class Talk:
    """The server's side of it, with one process. ``ready`` is what it said when it was, ``failure`` why it cannot be.

    Args:
        control: the socket.
        deliver: takes the channels.
        example: a call made of the model's input example, where there is one.
        forked: gets the ids of the processes that it says it has forked.
    """

    def __init__(self, control: Control, deliver: Deliver, example: Example | None, forked: set[int]) -> None:
        self.control = control
        self.ready: dict[str, Any] | None = None
        self.failure = ""
        self._deliver = deliver
        self._example = example
        self._forked = forked

    async def run(self, *headers: dict[str, Any]) -> None:
        """Say what it is to know, and hear what it says until the end.

        Raises:
            BadFrame: it says what it must not.
        """
        for header in headers:
            await self.control.write(header)
        try:
            while True:
                header, sockets = await self.control.receive()
                try:
                    await self._heed(header, sockets)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise BadFrame(f"it says {header.get('event')!r} in another form ({error})") from error
        except EOFError:
            return

    async def _heed(self, header: dict[str, Any], sockets: list[socket.socket]) -> None:
        event = header["event"]
        if event == "failed":
            self.failure = (
                f"the model cannot be loaded in its environment: {header['type']}: {header['message']}"
            )
        elif event == "example" and self._example is not None and self.ready is None:
            call, values = self._example
            await self.control.write({"call": call}, values)
        elif event == "ready" and self.ready is None:
            _report(header)
            self.ready = header
        elif event == "ended" and self.ready is not None:
            self._forked.discard(header["pid"])
            how = described(os.waitstatus_to_exitcode(header["status"]))
            log.error("a process of the model ended %s; starting it again in %.1f s", how, header["seconds"])
        elif event == "process" and self.ready is not None:
            self._forked.add(int(header["pid"]))
            await self._deliver(sockets, header["pid"], self.ready)
        else:
            raise BadFrame(f"it says {event!r}, which is not due")


def _report(ready: dict[str, Any]) -> None:
    for note in ready["notes"]:
        log.warning("%s", note)
    methods = sorted(set(ready["methods"].values()))
    together = ", ".join(ready["batched"]) or "none"
    log.info(
        "model %s loaded in %s s on Python %s; it is called by %s, several calls at once by %s",
        *(ready["type"], ready["seconds"], ready["python"], ", ".join(methods), together),
    )


def described(code: int) -> str:
    """Return how a process ended, by its exit code as subprocess has it."""
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
