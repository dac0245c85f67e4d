"""A small application behind the project's own HTTP server, or behind uvicorn as a check of the tests themselves."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
import uvloop

from server.api.routes import HttpRequest, HttpResponse, HttpStream
from server.transport.connections import HttpServerState
from server.transport.http.server import run
from server.transport.listener import listen

MAX_BODY = 100_000


@dataclass
class Application:
    """Answers with what it was asked, or late, or never, or in parts.

    ``started`` and ``cancelled`` have the paths of the late ones, ``closed`` how many parts each stream had made.
    """

    started: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    made: int = 0

    async def parts(self, count: str, size: str = "3", then: str = "") -> AsyncGenerator[bytes, None]:
        """Yield parts of one letter each, then wait for ever, raise or end."""
        self.made = 0
        try:
            for number in range(int(count)):
                self.made += 1
                yield b"%c" % (97 + number % 26) * int(size)
            if then == "wait":
                await asyncio.Event().wait()
            if then == "raise":
                raise RuntimeError("as asked")
        finally:
            self.closed.append(self.made)

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        kind, _, rest = request.path[1:].partition("/")
        if kind == "large":
            return HttpResponse(200, b"x" * int(rest), "text/plain")
        if kind == "stream":
            rest = self.parts(*rest.split("/"))
            return HttpStream(200, await anext(rest), rest, "text/event-stream", {"x-one": "1"})
        if kind == "raise":
            raise RuntimeError("as asked")
        if kind == "sleep":
            self.started.append(request.path)
            try:
                await asyncio.sleep(float(rest.partition("/")[0]))
            except asyncio.CancelledError:
                self.cancelled.append(request.path)
                raise
        said = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": dict(request.headers),
            "body": request.body.decode("latin-1"),
        }
        return HttpResponse(200, json.dumps(said).encode(), headers={"x-one": "1"})


class Asgi:
    """The application for uvicorn. A body over the limit is for an application to refuse there."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope, receive, send) -> None:
        headers: dict[str, str] = {}
        for key, value in scope["headers"]:
            name, text = key.decode("latin-1"), value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        if int(headers.get("content-length", 0)) > MAX_BODY:
            await self.send(scope, send, HttpResponse(413, b""))
            return
        body = b""
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body += event.get("body", b"")
            if len(body) > MAX_BODY:
                await self.send(scope, send, HttpResponse(413, b""))
                return
            if not event.get("more_body"):
                break
        query = scope["query_string"].decode("latin-1")
        request = HttpRequest(scope["method"], scope["path"], query, headers, body)
        answering = asyncio.ensure_future(self.application.respond(request))
        leaving = asyncio.ensure_future(receive())
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if answering.done():
            await self.send(scope, send, answering.result())
        else:
            answering.cancel()

    @staticmethod
    async def send(scope, send, response: HttpResponse) -> None:
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"content-length", str(len(response.body)).encode()),
            *((name.encode(), value.encode()) for name, value in response.headers.items()),
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body}
        )


class HttpServer:
    """A server in a thread of its own."""

    def __init__(self, kind: str, limits: dict[str, float]) -> None:
        self.kind = kind
        self.application = Application()
        self._limits = {"max_connections": 100, "idle_seconds": 30, "read_seconds": 30, "drain": 30, **limits}
        self._sock = listen("127.0.0.1", 0)
        self.port = self._sock.getsockname()[1]
        self._loop = uvloop.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def is_uvicorn(self) -> bool:
        return self.kind == "uvicorn"

    def stop(self) -> None:
        """Ask the server to end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)

    def ended(self, seconds: float = 30) -> bool:
        """Return whether the server has ended after these seconds or before."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def connect(self, receive_buffer: int = 0) -> Client:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(30)
        try:
            sock.connect(("127.0.0.1", self.port))
        except OSError:
            sock.close()
            raise
        return Client(sock)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner, self._sock:
            runner.run(self._serve_by_uvicorn() if self.is_uvicorn else self._serve())

    async def _serve(self) -> None:
        limits = dict(self._limits)
        drain = limits.pop("drain")
        await run(
            HttpServerState(self.application.respond, MAX_BODY, **limits), self._sock, self._stop, drain
        )

    async def _serve_by_uvicorn(self) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        server = uvicorn.Server(
            uvicorn.Config(
                Asgi(self.application),
                http="httptools",
                lifespan="off",
                log_config=None,
                limit_concurrency=self._limits["max_connections"] + 1,
                timeout_keep_alive=self._limits["idle_seconds"],
                timeout_graceful_shutdown=self._limits["drain"],
            )
        )
        serving = asyncio.create_task(server.serve([self._sock]))
        await asyncio.wait(
            (serving, asyncio.create_task(self._stop.wait())), return_when=asyncio.FIRST_COMPLETED
        )
        server.should_exit = True
        await serving


@contextmanager
def serving_http(kind: str, **limits: float) -> Iterator[HttpServer]:
    """Serve the application by ``kind``, "lean" or "uvicorn"; ``limits`` are those of HttpServerState, and ``drain`` seconds."""
    http_server = HttpServer(kind, limits)
    try:
        yield http_server
    finally:
        http_server.stop()
        assert http_server.ended()


@dataclass
class Response:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, object]:
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"

    @property
    def info(self) -> str:
        return json.loads(self.body)["status"]["info"]


class Client:
    """One connection, of which every byte is the test's."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._got = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def response(self, *, to: str = "GET") -> Response:
        """Return the next response."""
        head = self._until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in headers
            headers[name.lower()] = value
        if to != "HEAD" and headers.get("transfer-encoding") == "chunked":
            return Response(int(status), headers, b"".join(self.chunks()))
        length = 0 if to == "HEAD" or status == "100" else int(headers.get("content-length", -1))
        if length < 0:
            # uvicorn ends a refusal by closing.
            return Response(int(status), headers, self.rest())
        while len(self._got) < length:
            assert self._receive(), "the connection ended within a body"
        body, self._got = self._got[:length], self._got[length:]
        return Response(int(status), headers, body)

    def chunks(self) -> Iterator[bytes]:
        """Yield the chunks of a body as they come, to the last one."""
        while size := int(self._until(b"\r\n"), 16):
            while len(self._got) < size + 2:
                assert self._receive(), "the connection ended within a chunk"
            chunk, self._got = self._got[: size + 2], self._got[size + 2 :]
            assert chunk.endswith(b"\r\n")
            yield chunk[:-2]
        assert self._until(b"\r\n") == b""

    def head(self) -> dict[str, str]:
        """Return the headers of the next response, and leave its body."""
        _, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        return dict(line.split(": ", 1) for line in lines)

    def rest(self) -> bytes:
        """Return what comes until the server ends the connection."""
        while self._receive():
            pass
        rest, self._got = self._got, b""
        return rest

    def closed(self) -> bool:
        """Return when the server has ended the connection, and whether it said nothing more."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return True

    def says_nothing(self, seconds: float = 0.3) -> bool:
        """Return whether the server says nothing, and leaves the connection, for these seconds."""
        self.sock.settimeout(seconds)
        try:
            return not self._got and self._receive() and False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(30)

    def _until(self, end: bytes) -> bytes:
        while end not in self._got:
            assert self._receive(), f"the connection ended after {self._got!r}"
        found, _, self._got = self._got.partition(end)
        return found

    def _receive(self) -> bool:
        part = self.sock.recv(2**20)
        self._got += part
        return bool(part)
