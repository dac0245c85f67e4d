"""A small service behind the server's own gRPC edge, or behind grpcio's as a check of the tests themselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import uvloop
from hpack import Decoder, Encoder

from server.edges.grpc.head import Method, Reply
from server.edges.grpc.server import run, shared_by
from server.edges.h2 import codes
from server.edges.h2.blocks import literal
from server.edges.listen import listen
from server.errors import BadData, ServerError

MAX_MESSAGE = 1_000_000
UNARY, STREAM = "/test.Echo/Unary", "/test.Echo/Stream"
HEADERS = {
    ":method": "POST",
    ":scheme": "http",
    ":path": UNARY,
    ":authority": "localhost",
    "content-type": "application/grpc",
    "te": "trailers",
}


@dataclass
class Application:
    """Answers with what it was asked, or late, much or never; the lists have the bodies of calls."""

    started: list[bytes] = field(default_factory=list)
    cancelled: list[bytes] = field(default_factory=list)

    async def answer(self, body: bytes) -> bytes:
        self.started.append(body[:100])
        kind, _, rest = body[:100].partition(b":")
        try:
            if kind == b"sleep":
                await asyncio.sleep(float(rest))
            elif kind == b"large":
                return b"y" * int(rest)
            elif kind == b"bad":
                raise BadData("100% bad: ä\n")
            elif kind == b"raise":
                raise RuntimeError("as asked")
        except asyncio.CancelledError:
            self.cancelled.append(body)
            raise
        return body

    async def unary(self, body: bytes, metadata) -> Reply:
        return Reply(await self.answer(body), literal(b"x-got", metadata.get("x-sent", "").encode()))

    async def stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for body in requests:
            yield await self.answer(body)


class Edge:
    """A server in a thread of its own."""

    def __init__(self, kind: str, limits: dict[str, float], methods: dict[str, Method] | None = None) -> None:
        self.kind = kind
        self.application = Application()
        self._limits = {"max_connections": 100, "idle_seconds": 30, "read_seconds": 30, "drain": 30, **limits}
        self._sock = listen("127.0.0.1", 0)
        self.port = self._sock.getsockname()[1]
        unary, streaming = self.application.unary, self.application.stream
        self._methods = methods or {UNARY: Method(unary=unary), STREAM: Method(streaming=streaming)}
        self.loop = uvloop.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._ready.wait()

    @property
    def is_grpcio(self) -> bool:
        return self.kind == "grpcio"

    def stop(self) -> None:
        """Ask the server to end."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._stop.set)

    def ended(self, seconds: float = 30) -> bool:
        """Return whether the server has ended after these seconds or before."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def connect(self, *, begin: bool = True, receive_buffer: int = 0, **settings: int) -> Client:
        """Return a client that has begun, with settings as ``initial_window_size=1``."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(30)
        sock.connect(("127.0.0.1", self.port))
        client = Client(sock)
        if begin:
            client.begin({getattr(codes, name.upper()): value for name, value in settings.items()})
        return client

    def channel(self, **options: object) -> grpc.Channel:
        """Return a channel of a real client."""
        listed = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
        listed += [(name.replace("__", "."), value) for name, value in options.items()]
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=listed)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner, self._sock:
            runner.run(self._serve_by_grpcio() if self.is_grpcio else self._serve())

    async def _serve(self) -> None:
        limits = dict(self._limits)
        drain = limits.pop("drain")
        shared = shared_by(self._methods, int(limits.pop("max_message", MAX_MESSAGE)), **limits)
        self._ready.set()
        await run(shared, self._sock, self._stop, drain)

    async def _serve_by_grpcio(self) -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", MAX_MESSAGE)])

        async def unary(body: bytes, context) -> bytes:
            metadata = dict(context.invocation_metadata())
            try:
                reply = await self.application.unary(body, metadata)
            except ServerError as error:
                await context.abort(grpc.StatusCode[error.grpc], str(error))
            await context.send_initial_metadata((("x-got", metadata.get("x-sent", "")),))
            return reply.message

        async def stream(requests, _):
            async for reply in self.application.stream(requests):
                yield reply

        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(unary),
            "Stream": grpc.stream_stream_rpc_method_handler(stream),
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Echo", handlers)])
        self._sock.close()
        server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        self._ready.set()
        await self._stop.wait()
        await server.stop(self._limits["drain"])


@contextmanager
def serving_grpc(kind: str, methods: dict[str, Method] | None = None, **limits: float) -> Iterator[Edge]:
    """Serve by ``kind``, "lean" or "grpcio"; ``limits`` are those of connections, ``max_message`` and ``drain`` seconds.

    With ``methods`` the lean one serves these instead of the application's.
    """
    edge = Edge(kind, limits, methods)
    try:
        yield edge
    finally:
        edge.stop()
        assert edge.ended()


@dataclass
class Frame:
    """What a server sent."""

    kind: int
    flags: int
    stream: int
    payload: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> codes.ErrorCode:
        """The error code of RST_STREAM or GOAWAY."""
        at = 4 if self.kind == codes.GOAWAY else 0
        return codes.ErrorCode(struct.unpack_from(">L", self.payload, at)[0])

    @property
    def text(self) -> str:
        """Why a GOAWAY came."""
        return self.payload[8:].decode()


@dataclass
class Answer:
    """All of one stream: its heads and trailers, its body, and how it was reset if it was."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    reset: codes.ErrorCode | None = None

    @property
    def message(self) -> bytes:
        assert self.body[:1] == b"\0"
        assert int.from_bytes(self.body[1:5]) == len(self.body) - 5
        return self.body[5:]

    @property
    def status(self) -> tuple[int, str]:
        return int(self.headers["grpc-status"]), self.headers.get("grpc-message", "")


def framed(message: bytes, flag: int = 0) -> bytes:
    return bytes((flag,)) + len(message).to_bytes(4) + message


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


class Client:
    """One connection, of which every byte is the test's; it acknowledges nothing by itself but opens its own windows."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.encoder = Encoder()
        self._decoder = Decoder()
        self._got = b""
        self.frames: list[Frame] = []
        self.answers: dict[int, Answer] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def begin(self, settings: dict[int, int]) -> None:
        values = b"".join(struct.pack(">HL", *item) for item in settings.items())
        self.send(codes.PREFACE + frame(codes.SETTINGS, 0, 0, values))

    def send(self, *parts: bytes) -> None:
        self.sock.sendall(b"".join(parts))

    def head(self, stream: int, flags: int = codes.END_HEADERS, **changes: str | None) -> bytes:
        """Return the HEADERS of a call, with fields changed or left out; __ in a name stands for - and a first _ for :."""
        named = {name.replace("__", "-"): value for name, value in changes.items()}
        named = {f":{name[1:]}" if name[0] == "_" else name: value for name, value in named.items()}
        fields = {name: value for name, value in {**HEADERS, **named}.items() if value is not None}
        return frame(codes.HEADERS, flags, stream, self.encoder.encode(list(fields.items())))

    def call(self, stream: int, body: bytes = b"hello", **changes: str | None) -> bytes:
        """Return the frames of a call of one message."""
        return self.head(stream, **changes) + frame(codes.DATA, codes.END_STREAM, stream, framed(body))

    def ping(self, payload: bytes = b"12345678") -> None:
        """Send a PING, and return when it is answered, and so all before it is taken."""
        self.send(frame(codes.PING, 0, 0, payload))
        self.wait(lambda: any(one.kind == codes.PING and one.payload == payload for one in self.frames))

    def answer(self, stream: int) -> Answer:
        """Return when a stream has ended."""
        self.wait(
            lambda: stream in self.answers and (self.answers[stream].ended or self.answers[stream].reset)
        )
        return self.answers[stream]

    def reset_of(self, stream: int) -> codes.ErrorCode:
        self.wait(lambda: stream in self.answers and self.answers[stream].reset is not None)
        return self.answers[stream].reset

    def goaway(self) -> Frame:
        """Return the GOAWAY that ends the connection, after which there is nothing."""
        self.wait(lambda: False, closed=True)
        found = [one for one in self.frames if one.kind == codes.GOAWAY]
        assert found, f"the connection ended without GOAWAY after {self.frames}"
        return found[-1]

    def wait(self, condition, *, closed: bool = False) -> None:
        """Take frames until a condition holds, or with ``closed`` until the server ends the connection."""
        while not condition():
            if not self.receive():
                assert closed, f"the connection ended after {self.frames}"
                return

    def says_nothing(self, seconds: float = 0.3) -> bool:
        """Return whether the server says nothing, and leaves the connection, for these seconds."""
        self.sock.settimeout(seconds)
        try:
            return not self.receive() and False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(30)

    def receive(self) -> bool:
        try:
            part = self.sock.recv(2**20)
        except ConnectionResetError:
            return False
        self._got += part
        while len(self._got) >= 9:
            size = int.from_bytes(self._got[:3])
            if len(self._got) < 9 + size:
                break
            kind, flags = self._got[3], self._got[4]
            stream = int.from_bytes(self._got[5:9])
            self._take(Frame(kind, flags, stream, self._got[9 : 9 + size]))
            self._got = self._got[9 + size :]
        return bool(part)

    def _take(self, one: Frame) -> None:
        self.frames.append(one)
        if one.kind in (codes.HEADERS, codes.DATA, codes.RST_STREAM):
            answer = self.answers.setdefault(one.stream, Answer())
            if one.kind == codes.HEADERS:
                assert one.flags & codes.END_HEADERS
                one.headers = dict(self._decoder.decode(one.payload))
                answer.headers |= one.headers
            elif one.kind == codes.DATA:
                answer.body += one.payload
            else:
                answer.reset = one.code
            if one.kind != codes.RST_STREAM and one.flags & codes.END_STREAM:
                answer.ended = True
