"""Receivers on loopback: a collector of OTLP over HTTP, and a sink of CloudEvents."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Received:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that notes what it gets. It answers with the first of ``statuses`` as long as there is one, else 200.

    While ``open`` is not set it answers nothing; ``came`` counts the requests that it has begun to read.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    came: int = 0


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Run a receiver on ``port``, or on a free one."""
    receiver = Receiver()
    receiver.open.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            receiver.came += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.open.wait()
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            if status == 200:
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
