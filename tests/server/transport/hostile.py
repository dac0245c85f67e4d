"""Clients that mean no good, on loopback, until a time is over: `python -m tests.server.transport.hostile PORT SECONDS`."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

BODY = 8 * 1024 * 1024
NUMBERS = b'{"data":{"ndarray":[' + b"[1,2]," * (BODY // 6 - 20) + b"[1,2]]}}"
# Few numbers in many bytes: it is answered by a large table.
TABLE = b'{"data":{"ndarray":[' + b"[0.1234567890123]," * 60_000 + b"[1]]}}"
FORM = b"a=" + b"%7B" * 300_000
PARTS = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 15_000 + b"--b--\r\n"
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
CONNECTIONS = 300


def head(length: int, kind: str = "application/json") -> bytes:
    text = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    return text.encode()


class Hostile:
    """What each kind does until the end, over and over again."""

    def __init__(self, port: int, seconds: float) -> None:
        self._address = ("127.0.0.1", port)
        self._end = time.monotonic() + seconds

    def run(self) -> None:
        kinds = (self.slow, self.large, self.flood, self.unread, self.forms, self.chunks)
        threads = [threading.Thread(target=self._repeat, args=(kind,)) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, kind: Callable[[], None]) -> None:
        while time.monotonic() < self._end:
            with suppress(OSError):
                kind()
            time.sleep(0.05)

    def _connected(self, stack: ExitStack) -> socket.socket:
        sock = socket.create_connection(self._address, timeout=10)
        return stack.enter_context(sock)

    def _post(self, body: bytes, kind: str = "application/json") -> None:
        with ExitStack() as stack:
            sock = self._connected(stack)
            sock.sendall(head(len(body), kind) + body)
            sock.recv(65536)

    def slow(self) -> None:
        """Most of a large body at once, then a byte at times."""
        with ExitStack() as stack:
            socks = [self._connected(stack) for _ in range(8)]
            for sock in socks:
                sock.sendall(head(BODY) + NUMBERS[: BODY // 2])
            for _ in range(20):
                for sock in socks:
                    sock.sendall(b" ")
                time.sleep(min(1, max(0, self._end - time.monotonic())))

    def large(self) -> None:
        """Bodies of the largest size."""
        self._post(NUMBERS)

    def flood(self) -> None:
        """Connections that say nothing."""
        with ExitStack() as stack:
            for _ in range(CONNECTIONS):
                self._connected(stack)
            time.sleep(1)

    def unread(self) -> None:
        """Requests whose answers nobody reads."""
        with ExitStack() as stack:
            for _ in range(8):
                sock = self._connected(stack)
                sock.sendall((head(len(TABLE)) + TABLE) * 4)
            time.sleep(3)

    def forms(self) -> None:
        """Forms of many escapes and of many parts."""
        self._post(FORM, URLENCODED)
        self._post(PARTS, MULTIPART)

    def chunks(self) -> None:
        """A body in chunks of one byte."""
        with ExitStack() as stack:
            sock = self._connected(stack)
            sock.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            sock.sendall(b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n")
            sock.recv(65536)


if __name__ == "__main__":
    Hostile(int(sys.argv[1]), float(sys.argv[2])).run()
