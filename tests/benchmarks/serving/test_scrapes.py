"""Scrapes while a server is measured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.scrapes import scraping


class Metrics(BaseHTTPRequestHandler):
    """Answers with what the server has to say."""

    def do_GET(self) -> None:
        """Note the scrape, and answer."""
        server: Any = self.server
        server.scraped.release()
        self.send_response(200)
        self.send_header("content-length", str(len(server.text)))
        self.end_headers()
        self.wfile.write(server.text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def metrics(text: bytes) -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        server.text, server.scraped = text, threading.Semaphore(0)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_it_scrapes_as_long_as_the_block_lasts() -> None:
    with metrics(b"# EOF\n") as server:
        with scraping(server.server_port, 100):
            for _ in range(3):
                assert server.scraped.acquire(timeout=30)
        while server.scraped.acquire(blocking=False):
            pass
        with scraping(server.server_port, 0):
            pass
        assert not server.scraped.acquire(blocking=False)


def test_a_server_without_metrics_is_not_measured() -> None:
    with (
        metrics(b"nothing") as server,
        pytest.raises(BenchFailed, match="it answers 200 to a scrape"),
        scraping(server.server_port, 100),
    ):
        assert server.scraped.acquire(timeout=30)
