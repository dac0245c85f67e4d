"""Whether the server and its model are well, and its numbers: on the REST interface, and on a listener of its own.

That listener has a thread, an event loop, connections and a budget of its own, so that neither a flood of the REST
interface nor a loop that is held keeps a probe out. What it says is the truth about the others: their loops beat.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from server.budget import Budget
from server.edges import http_server
from server.edges.http import HttpRequest, HttpResponse, HttpStream
from server.edges.http_shared import Shared
from server.edges.routes import Routes, answer
from server.errors import NotReady
from server.heartbeats import SILENT_SECONDS
from server.metrics import CONTENT_TYPE, exposition
from server.node import Node
from server.protocol.encode import dumps
from server.shared_state import SharedState

# Probes and scrapes come one at a time: whoever has more than these connections is no kubelet.
MAX_CONNECTIONS, MAX_BODY_BYTES, BUDGET_BYTES = 64, 1024, 4 * 1024 * 1024
READ_SECONDS = 5
END_SECONDS = 5

log = logging.getLogger(__name__)


class Health:
    """What is answered to probes and to Prometheus, without a call of the model."""

    def __init__(self, node: Node, state: SharedState) -> None:
        self._node = node
        self._state = state
        numbers = {"GET": self._metrics}
        self.routes: Routes = {
            "/health/ping": {"GET": self._ping},
            "/health/status": {"GET": self._status},
            "/api/v1.0/health/status": {"GET": self._status},
            "/metrics": numbers,
            # Where Seldon's operator has Prometheus look.
            "/prometheus": numbers,
        }

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request of the listener of its own; it never raises."""
        return await answer(self.routes, request)

    def _goes_on(self) -> None:
        silence = self._state.heartbeats.silence
        if silence >= SILENT_SECONDS:
            raise NotReady(
                f"an event loop of the server has been held for {silence:.0f} seconds, and may be for "
                f"{SILENT_SECONDS:g}: the server is to be started again"
            )

    async def _ping(self, _: HttpRequest) -> HttpResponse:
        self._goes_on()
        return HttpResponse(200, b"pong", "text/html; charset=utf-8")

    async def _status(self, _: HttpRequest) -> HttpResponse:
        self._goes_on()
        if not self._node.channels.ready:
            why = self._node.channels.why
            raise NotReady(f"the model is not loaded: {why}" if why else "the model is not loaded")
        return HttpResponse(200, dumps({"strData": "healthy", "meta": self._node.meta()}))

    async def _metrics(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, exposition(self._node, self._state), CONTENT_TYPE)


@contextmanager
def listening(health: Health, sock: socket.socket, idle_seconds: float) -> Iterator[None]:
    """Answer on a socket that listens, by a thread, for as long as the context lasts."""
    loop, stop = uvloop.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=_run, args=(health, sock, idle_seconds, loop, stop), name="health")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(END_SECONDS)


def _run(
    health: Health,
    sock: socket.socket,
    idle_seconds: float,
    loop: asyncio.AbstractEventLoop,
    stop: asyncio.Event,
) -> None:
    shared = Shared(
        health.respond,
        max_body_bytes=MAX_BODY_BYTES,
        budget=Budget(BUDGET_BYTES),
        max_connections=MAX_CONNECTIONS,
        idle_seconds=idle_seconds,
        read_seconds=READ_SECONDS,
    )
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(http_server.run(shared, sock, stop, drain_seconds=0))
    except Exception:
        # Probes get no answer from now on, so that the server is started again.
        log.exception("the listener of health and metrics has ended")
