"""The listener of health and metrics: a thread with an event loop, connections and a byte budget of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvloop

from server.api.health import Health
from server.shared_state import ByteBudget
from server.transport.connections import HttpServerState
from server.transport.http import server as http_server

log = logging.getLogger(__name__)


# Probes and scrapes come one at a time: no kubelet or Prometheus needs more connections.
MAX_CONNECTIONS, MAX_BODY_BYTES, BUDGET_BYTES = 64, 1024, 4 * 1024 * 1024
READ_SECONDS = 5
END_SECONDS = 5


@contextmanager
def listening(health: Health, sock: socket.socket, idle_seconds: float) -> Iterator[None]:
    """Answer on a socket that listens, by a thread, for as long as the context lasts."""
    loop, stop = uvloop.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=_run, args=(health, sock, idle_seconds, loop, stop), name="health")
    thread.start()
    try:
        yield
    finally:
        with suppress(RuntimeError):  # It has ended by itself, and closed its loop.
            loop.call_soon_threadsafe(stop.set)
        thread.join(END_SECONDS)


def _run(
    health: Health,
    sock: socket.socket,
    idle_seconds: float,
    loop: asyncio.AbstractEventLoop,
    stop: asyncio.Event,
) -> None:
    shared = HttpServerState(
        health.respond,
        max_body_bytes=MAX_BODY_BYTES,
        budget=ByteBudget(BUDGET_BYTES),
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
