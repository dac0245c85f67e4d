"""The node's process: answers the frames of the wrapper's processes.

A call is a frame whose header has ``call``, one of "load" (answered when the model is loaded, or with why it
cannot be), "healthy" (answered while it can be called) and "answer" (with ``role``, ``kind``, ``names``, ``meta``
and one value). It is answered by a frame with ``event`` "done" or, for "answer", "answer" (with ``names``, ``meta``
and one value), or by "error" with ``error``, a class of server.errors, and ``message``. The next call of a
connection comes after the answer.

The process is started by ``python -m server.component_process.server FD ENV``, FD being a Unix socket that listens. It ends
when the last connection is closed, so it needs nobody to end it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from server.api.node import Node, Role
from server.errors import ModelFailed, NotReady, ServerError
from server.model.client import NOT_LOADED
from server.model.frame_protocol import FrameProtocol
from server.model.supervisor import Supervisor
from server.operating_system import adopt_orphans, hide_memory
from server.protocol.meta import puid
from server.schema.request import Request
from server.serving.model_process import model_supervisor
from server.settings import ServeSettings
from server.settings_loader import load
from server.telemetry import log_lines
from server.telemetry.call_record import CallRecord, identify
from server.telemetry.labels import PREFIX
from server.telemetry.log_lines import log_error

Frame = tuple[dict[str, Any], list[Any]]

log = logging.getLogger(__name__)


class NodeConnection(FrameProtocol):
    """One connection to the local interface, whose calls come one after the other."""

    def __init__(self, local: NodeServer) -> None:
        super().__init__()
        self._local = local
        self._answering: asyncio.Task[None] | None = None
        local.opened()

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Answer a call."""
        self._answering = asyncio.create_task(self._answer(header, values))

    def broken(self, why: str) -> None:
        """Log a violation by the peer, which is a process of this program."""
        log.error("a connection of the wrapper is closed: %s", why)

    def ended(self) -> None:
        """Stop working for the other end, which has gone, as it may at any time."""
        if self._answering is not None:
            self._answering.cancel()
        self._local.closed()

    async def _answer(self, header: dict[str, Any], values: list[Any]) -> None:
        self.send(*await self._local.answered(header, values))


class NodeServer:
    """The local interface of a node. ``left`` is set when its last connection is closed, or it cannot go on.

    Args:
        node: the node.
        process: the model's.
        counts: whether answers have metrics of the call, which the wrapper counts on its port and takes out of them.
    """

    def __init__(self, node: Node, process: Supervisor, *, counts: bool = False) -> None:
        self._node = node
        self._counts = counts
        self._process = process
        self._connections = 0
        self._loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.left = asyncio.Event()

    async def load(self) -> None:
        """Run the node's process, and tell of the first end of loading whoever waits for it."""
        running = asyncio.create_task(self._process.run())
        ready = asyncio.create_task(self._ready())
        try:
            await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                self._loaded.set_result(None)
            await running
        except Exception as error:
            if self._loaded.done():
                log.exception("the model's process is not started again")
                self.left.set()
                return
            # It is for the processes that wait: each ends by it, and the last one ends this.
            self._loaded.set_exception(error)
            self._loaded.exception()
        finally:
            ready.cancel()
            running.cancel()
            await asyncio.gather(ready, running, return_exceptions=True)

    def connect(self) -> NodeConnection:
        """Return the protocol of a new connection."""
        return NodeConnection(self)

    def opened(self) -> None:
        """Count a connection."""
        self._connections += 1

    def closed(self) -> None:
        """Count a connection that is closed."""
        self._connections -= 1
        if self._connections == 0:
            self.left.set()

    async def _ready(self) -> None:
        async for ready in self._node.client.readiness.changes():
            if ready:
                return

    async def answered(self, header: dict[str, Any], values: list[Any]) -> Frame:
        """Return the frame that answers a call."""
        try:
            return await self._call(header, values)
        except ServerError as error:
            if isinstance(error, ModelFailed):
                log_error(log, error)  # Its traceback does not go to the wrapper.
            return {"event": "error", "error": type(error).__name__, "message": str(error)}, []
        except Exception as error:
            log.exception("call %s cannot be answered", header.get("call"))
            message = f"{type(error).__name__}: {error}"
            return {"event": "error", "error": ServerError.__name__, "message": message}, []

    async def _call(self, header: dict[str, Any], values: list[Any]) -> Frame:
        if header["call"] == "load":
            await asyncio.shield(self._loaded)
            return {"event": "done"}, []
        if header["call"] == "healthy":
            if not self._node.client.ready:
                raise NotReady(NOT_LOADED)
            return {"event": "done"}, []
        request = Request(header["kind"], values[0], header["names"], header["meta"])
        # For the lines of the log, which say whose they are; the wrapper logs and counts calls itself.
        record = self._node.telemetry.begin("component", header["role"], "", {}, path=header["role"])
        identify(puid(request.meta, None))
        answer, meta = await self._node.answer(Role(header["role"]), request)
        if self._counts:
            meta["metrics"] = [*meta.get("metrics", ()), *_metrics(record)]
        return {"event": "answer", "names": answer.names, "meta": meta}, [answer.values]


def _metrics(record: CallRecord) -> list[dict[str, Any]]:
    """Return metrics of a call as the wrapper takes them; its timers are in milliseconds."""
    waited = {"key": f"{PREFIX}_queue_duration_seconds", "value": 1000 * (record.sent - record.queued)}
    took = {"key": f"{PREFIX}_model_duration_seconds", "value": 1000 * record.model_seconds}
    rows = {"key": f"{PREFIX}_rows", "type": "COUNTER", "value": record.rows}
    return [{"type": "TIMER", **waited}, {"type": "TIMER", **took}, rows]


async def run(node: Node, process: Supervisor, listener: socket.socket, *, counts: bool = False) -> None:
    """Serve the socket until the last connection is closed; answers have metrics where ``counts`` (NodeServer)."""
    local = NodeServer(node, process, counts=counts)
    loading = asyncio.create_task(local.load())
    server = await asyncio.get_running_loop().create_unix_server(local.connect, sock=listener)
    async with server:
        await local.left.wait()
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)


def main() -> None:
    """Serve the node that the environment variables describe, as the wrapper's process has them."""
    log_lines.configure("node")
    listener = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(listener.fileno(), False)
    adopt_orphans()
    hide_memory()
    # The wrapper's processes need the CPUs.
    # And the wrapper counts metrics by the answers: the model's own in any case, others where it takes them out then.
    given = load(ServeSettings, os.environ)
    node = Node(replace(given, spin_microseconds=0, metrics_in_response=True))
    counts = given.metrics and not given.metrics_in_response
    asyncio.run(run(node, model_supervisor(node, Path(sys.argv[2])), listener, counts=counts))


if __name__ == "__main__":
    main()
