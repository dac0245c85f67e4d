"""The control connection to the model's process: handshake, readiness, new connections, ended processes."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from server.ipc.wire import BadFrame
from server.model.control_socket import ControlSocket
from server.model.handshake import Example

# Called with the server's ends of the connections to a process of the model, its pid, and the header of "ready".
Deliver = Callable[[list[socket.socket], int, dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class WorkerControl:
    """The control connection to one process. ``ready`` is its header of "ready", ``failure`` why it failed to load.

    Args:
        control: the socket.
        deliver: called with the connections to a process.
        example: the call of the batch check, if there is one.
        forked: the pids of the processes that it has forked, kept up to date.
        changed: called when that has changed, with the pid of one that has ended, its exit code as subprocess has
            it, and which of EndReason it tells; else with 0, 0 and an empty text.
    """

    def __init__(
        self,
        control: ControlSocket,
        deliver: Deliver,
        example: Example | None,
        forked: set[int],
        changed: Callable[[int, int, str], None] = lambda ended, code, reason: None,
    ) -> None:
        self._changed = changed
        self.connection = control
        self.ready: dict[str, Any] | None = None
        self.failure = ""
        self._deliver = deliver
        self._example = example
        self._forked = forked

    async def run(self, *headers: dict[str, Any]) -> None:
        """Send ``headers``, then handle its events until it closes the connection.

        Raises:
            BadFrame: it violates the protocol.
        """
        for header in headers:
            await self.connection.write(header)
        try:
            while True:
                header, sockets = await self.connection.receive()
                try:
                    await self._handle(header, sockets)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise BadFrame(f"it says {header.get('event')!r} in another form ({error})") from error
        except EOFError:
            return

    async def _handle(self, header: dict[str, Any], sockets: list[socket.socket]) -> None:
        event = header["event"]
        if event == "failed":
            self.failure = (
                f"the model cannot be loaded in its environment: {header['type']}: {header['message']}"
            )
        elif event == "example" and self._example is not None and self.ready is None:
            call, values = self._example
            await self.connection.write({"call": call}, values)
        elif event == "ready" and self.ready is None:
            _log_ready(header)
            self.ready = header
        elif event == "ended" and self.ready is not None:
            self._forked.discard(header["pid"])
            code = os.waitstatus_to_exitcode(header["status"])
            log.error(
                "a process of the model ended %s; starting it again in %.1f s",
                described(code),
                header["seconds"],
            )
            self._changed(header["pid"], code, str(header.get("reason") or ""))
        elif event == "process" and self.ready is not None:
            self._forked.add(int(header["pid"]))
            self._changed(0, 0, "")
            await self._deliver(sockets, header["pid"], self.ready)
        else:
            raise BadFrame(f"it says {event!r}, which is not due")


def _log_ready(ready: dict[str, Any]) -> None:
    for note in ready["notes"]:
        log.warning("%s", note)
    methods = sorted(set(ready["methods"].values()))
    together = ", ".join(ready["batched"]) or "none"
    log.info(
        "model %s loaded in %s s on Python %s; it is called by %s, several calls at once by %s",
        *(ready["type"], ready["seconds"], ready["python"], ", ".join(methods), together),
    )
    if ready["processes"]:
        log.info("%s", ready["processes"])


def described(code: int) -> str:
    """Return how a process ended, by its exit code as subprocess has it."""
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
