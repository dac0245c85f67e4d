"""The handler of the log, and a reader of stderr that does not read."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
import time

import pytest

from server.telemetry import log_writer
from server.telemetry.log_writer import LogHandler
from tests.polling import wait_for

F_SETPIPE_SZ = 1031


@pytest.fixture
def pipe():
    """A pipe of one page, its writing end as text."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, F_SETPIPE_SZ, 4096)
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "w") as sink:
        yield source, sink


@pytest.fixture
def logger():
    """A logger of its own."""
    made = logging.getLogger("written")
    made.propagate = False
    made.setLevel(logging.INFO)
    yield made
    made.handlers.clear()


def test_who_logs_does_not_wait_for_a_reader_that_does_not_read(pipe, logger, monkeypatch):
    monkeypatch.setattr(log_writer, "LIMIT", 64 * 1024)
    monkeypatch.setattr(log_writer, "log", logger)
    source, sink = pipe
    handler = LogHandler(sink)
    logger.addHandler(handler)
    handler.start()
    for number in range(3000):
        logger.info("line %d %s", number, "x" * 100)
    # It has come here: nothing has been read. What is kept is bounded, and the rest is counted.
    assert handler.dropped > 2000
    read = bytearray()
    reading = threading.Thread(target=lambda: [read.extend(piece) for piece in pieces(source)])
    reading.start()
    wait_for(lambda: b"were dropped" in read)
    dropped = handler.dropped
    logger.info("after that")
    handler.stop(10)
    sink.close()
    reading.join()
    lines = read.decode().splitlines()
    kept = [line for line in lines if line.startswith("line ")]
    numbers = [int(line.split()[1]) for line in kept]
    assert numbers == sorted(set(numbers))
    assert len(kept) + dropped == 3000
    assert lines[-2:] == [f"{dropped} lines of the log were dropped: nobody read stderr", "after that"]


def pieces(source):
    while piece := os.read(source.fileno(), 65536):
        yield piece


def test_at_the_end_what_waits_is_written_and_the_rest_at_once(pipe, logger):
    source, sink = pipe
    handler = LogHandler(sink)
    logger.addHandler(handler)
    logger.info("before")
    handler.start()
    logger.info("meanwhile")
    handler.stop(10)
    assert source.raw.read(4096) == b"before\nmeanwhile\n"
    logger.info("after")
    assert source.raw.read(4096) == b"after\n"


def test_the_end_waits_no_longer_than_it_may(pipe, logger):
    source, sink = pipe
    handler = LogHandler(sink)
    logger.addHandler(handler)
    handler.start()
    for _ in range(1000):
        logger.info("x" * 100)
    began = time.monotonic()
    handler.stop(0.2)
    logger.info("nobody reads this, and it does not block")
    assert time.monotonic() - began < 10
    threading.Thread(target=lambda: list(pieces(source)), daemon=True).start()
    handler.stop(10)


def test_a_reader_that_is_gone_ends_nothing(pipe, logger):
    source, sink = pipe
    handler = LogHandler(sink)
    logger.addHandler(handler)
    handler.start()
    source.close()
    logger.info("nobody reads this")
    wait_for(lambda: handler.dropped == 1 or not handler._lines)
    logger.info("nor this")
    handler.stop(10)


def test_lines_of_two_processes_do_not_tear_each_other_apart(pipe):
    source, sink = pipe
    children = []
    for process in range(2):
        child = os.fork()
        if child == 0:
            logger = logging.getLogger("forked")
            logger.propagate = False
            logger.setLevel(logging.INFO)
            handler = LogHandler(sink)
            logger.addHandler(handler)
            handler.start()
            for number in range(500):
                logger.info("%d-%d-%s", process, number, "y" * 80)
            handler.stop(30)
            os._exit(0)
        children.append(child)
    sink.close()
    said = b"".join(pieces(source)).decode().splitlines()
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert len(said) == 1000
    assert all(re.fullmatch("[01]-[0-9]+-y{80}", line) for line in said)
