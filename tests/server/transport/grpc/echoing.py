"""A small service behind the server's gRPC: answers with what it was sent, or late, or not at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import grpc
import uvloop

from server.api.grpc_services import Reply
from server.errors import BadData
from server.settings import ServeSettings
from server.transport.grpc.calls import CallHandler
from server.transport.grpc.message_reader import MessageReader
from server.transport.grpc.server import options, run
from tests.server.running_server import free_port

MAX_MESSAGE = 1_000_000
UNARY = "/test.Echo/Unary"


class EchoServer:
    """A server in a thread of its own; the lists have the bodies of calls."""

    def __init__(self, settings: ServeSettings, read_at_a_time: int, read_seconds: float) -> None:
        self.started: list[bytes] = []
        self.cancelled: list[bytes] = []
        self._settings = settings
        self._limits = read_at_a_time, read_seconds
        self._address = f"127.0.0.1:{free_port()}"
        self._stop = asyncio.Event()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._opened = threading.Event()
        self._thread.start()
        assert self._opened.wait(30)

    def stop(self) -> None:
        """Ask the server to end."""
        self._loop.call_soon_threadsafe(self._stop.set)

    def end(self) -> None:
        """End the server, and see that it has."""
        if self._thread.is_alive():
            self.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()

    @contextmanager
    def channel(self, **given: object) -> Iterator[grpc.Channel]:
        """Give a channel of a client that is connected."""
        listed = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        listed += [(name.replace("__", "."), value) for name, value in given.items()]
        with grpc.insecure_channel(self._address, options=listed) as channel:
            grpc.channel_ready_future(channel).result(30)
            yield channel

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        settings = self._settings
        server = grpc.aio.server(options=options(settings))
        calls = CallHandler({UNARY: self._unary}, MessageReader(*self._limits), settings.grpc_max_calls)
        await run(server, calls, self._address, self._stop, settings.drain_seconds, self._opened.set)

    async def _unary(self, body: bytes, metadata: Mapping[str, str]) -> Reply:
        self.started.append(body[:100])
        kind, _, rest = body[:100].partition(b":")
        try:
            if kind == b"sleep":
                await asyncio.sleep(float(rest))
            elif kind == b"bad":
                raise BadData("100% bad: ä\n")
            elif kind == b"raise":
                raise RuntimeError("as asked")
        except asyncio.CancelledError:
            self.cancelled.append(body)
            raise
        return Reply(body, (("x-got", metadata.get("x-sent", "")),))


@contextmanager
def echoing(read_at_a_time: int = 16, read_seconds: float = 30, **given: int) -> Iterator[EchoServer]:
    """Serve with these limits, and settings as ``grpc_max_calls=2``."""
    settings = replace(ServeSettings(), grpc_max_message_bytes=MAX_MESSAGE, **given)
    echo_server = EchoServer(settings, read_at_a_time, read_seconds)
    try:
        yield echo_server
    finally:
        echo_server.end()
