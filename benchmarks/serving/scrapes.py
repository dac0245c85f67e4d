"""Scrapes of a server's metrics while it is measured."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.serving.errors import BenchFailed

HOST = "127.0.0.1"
ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
SECONDS = 10


@contextmanager
def scraping(port: int, rate: int) -> Iterator[None]:
    """Scrape a port so many times a second in the block, over one connection, as Prometheus does.

    Raises:
        BenchFailed: it does not answer with metrics.
    """
    over, failed = threading.Event(), list[str]()

    def scrape() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
        due = time.monotonic()
        try:
            while not over.wait(max(0.0, due - time.monotonic())):
                due += 1 / rate
                connection.request("GET", "/metrics", headers={"accept": ACCEPT})
                answer = connection.getresponse()
                if answer.status != http.client.OK or not answer.read().endswith(b"# EOF\n"):
                    failed.append(f"it answers {answer.status} to a scrape")
        except (OSError, http.client.HTTPException) as error:
            failed.append(f"it does not answer a scrape: {error}")
        finally:
            connection.close()

    if not rate:
        yield
        return
    thread = threading.Thread(target=scrape, name="scrapes")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise BenchFailed(failed[0])
