"""The load: h2load of nghttp2, one C program for HTTP/1.1 and gRPC that logs every request.

It takes about 7 µs of a core per request of HTTP/1.1; how much it took is part of each Load. Its limits: of a gRPC call
it sees no status, so what an answer weighs tells whether it was one; a connection that the server closes is opened
again, and that is not in the latency; with a rate, each connection still waits for its last answer. Where a server
closes connections, as gunicorn's sync worker does after each answer, it at times does not end by itself: then it is ended,
for it writes a request into its log as soon as that is answered.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.dialect import GRPC
from benchmarks.serving.errors import BenchFailed

# How long it may take to end, of which the part after the time of the load must not be for want of answers.
END_SECONDS = 3
ANSWERED = 0.5
OK = 200
# Of the bytes of answers those to requests that were under way at the end are missing.
WHOLE = 0.98


@dataclass(frozen=True)
class Target:
    """What is asked: an address, the bytes to post there and more headers; ``answer_bytes`` is the length of a right answer."""

    url: str
    content_type: str
    body: bytes
    answer_bytes: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def grpc(self) -> bool:
        """Whether the bytes go as a gRPC message."""
        return self.content_type == GRPC


@dataclass(frozen=True)
class Traffic:
    """How it is asked: so many connections with so many requests at a time each; ``rate`` is requests/s of all."""

    connections: int
    streams: int = 1
    rate: float | None = None


@dataclass(frozen=True)
class Load:
    """What came of it: status (-1 where none came) and µs of every request, and the CPU seconds of generator and server.

    ``memory`` is what the server had in MiB afterwards, ``noise`` the part of the cores that others took.
    """

    seconds: float
    statuses: NDArray[np.int64]
    micros: NDArray[np.int64]
    generator: float
    server: float = 0.0
    memory: float = 0.0
    noise: float = 0.0

    @cached_property
    def rate(self) -> float:
        """Return the requests/s that were answered with 200."""
        return float(np.count_nonzero(self.statuses == OK)) / self.seconds

    def percentile(self, number: float) -> float:
        """Return the latency in ms that so many percent do not exceed."""
        return float(np.percentile(self.micros, number)) / 1000

    def goodput(self, deadline: float) -> float:
        """Return the requests/s that were answered with 200 within ``deadline`` seconds."""
        good = (self.statuses == OK) & (self.micros <= deadline * 1e6)
        return float(np.count_nonzero(good)) / self.seconds

    @property
    def refused(self) -> float:
        """Return the part of the requests that was answered otherwise than with 200."""
        return float(np.mean(self.statuses != OK))

    @property
    def cpu(self) -> float:
        """Return the µs of CPU time that the server took for each request that it answered with 200."""
        return self.server * 1e6 / max(1, int(np.count_nonzero(self.statuses == OK)))

    @property
    def share(self) -> float:
        """Return the part of one core that the generator took."""
        return self.generator / self.seconds


def h2load() -> str:
    """Return the generator's path.

    Raises:
        BenchFailed: it is not installed.
    """
    found = shutil.which("h2load")
    if found is None:
        raise BenchFailed(
            "h2load, which generates the load, is not on PATH: install it "
            "(Debian, Ubuntu: apt-get install nghttp2-client; Fedora: dnf install nghttp2)"
        )
    return found


def generate(target: Target, traffic: Traffic, seconds: float, scratch: Path) -> Load:
    """Ask ``target`` for so many seconds.

    Raises:
        BenchFailed: h2load is not installed, fails, or hears wrong answers; with a rate, refusals are none.
    """
    body, log = scratch / "body", scratch / "requests.log"
    body.write_bytes(target.body)
    log.unlink(missing_ok=True)
    command = [h2load(), "--threads=1", f"--duration={round(seconds * 1000)}ms", f"--log-file={log}"]
    command += [f"--clients={traffic.connections}", f"--max-concurrent-streams={traffic.streams}"]
    headers = {"content-type": target.content_type, **target.headers}
    command += [f"--data={body}", *(f"--header={name}: {value}" for name, value in headers.items())]
    command += ["--header=te: trailers"] if target.grpc else ["--h1"]
    if traffic.rate is not None:
        command.append(f"--rps={traffic.rate / traffic.connections:.6f}")
    said, generator = _run([*command, target.url], seconds)
    if said is None and until(log.read_text()) < ANSWERED * seconds:
        raise BenchFailed(f"{target.url} stops answering while it is asked for {seconds:g} s")
    statuses, micros = parse(log.read_text())
    load = Load(seconds, statuses, micros, generator)
    _judge(load, target, traffic, said or "it did not end by itself")
    return load


def parse(log: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the statuses and the latencies in µs of a log: a line of start, status and µs per request."""
    columns = np.array(log.split(), dtype=np.int64).reshape(-1, 3)
    return columns[:, 1], columns[:, 2]


def until(log: str) -> float:
    """Return after how many seconds of a log its last request was answered."""
    columns = np.array(log.split(), dtype=np.int64).reshape(-1, 3)
    return float((columns[:, 0] + columns[:, 2]).max() - columns[:, 0].min()) / 1e6 if len(columns) else 0.0


def answered_bytes(said: str) -> int:
    """Return how many bytes of bodies h2load says that it got.

    Raises:
        BenchFailed: it does not say so.
    """
    found = re.search(r"^traffic: .*\((\d+)\) data$", said, re.MULTILINE)
    if found is None:
        raise BenchFailed(f"h2load does not say how many bytes it got:\n{said}")
    return int(found[1])


def _judge(load: Load, target: Target, traffic: Traffic, said: str) -> None:
    number = len(load.statuses)
    if number == 0:
        raise BenchFailed(f"{target.url} answers nothing within {load.seconds:g} s:\n{said}")
    if traffic.rate is None and load.refused:
        other = sorted(set(load.statuses.tolist()) - {OK})
        raise BenchFailed(
            f"{target.url} answers {load.refused:.1%} of {number} requests with {other}: must be {OK}"
        )
    if target.grpc and answered_bytes(said) < WHOLE * number * target.answer_bytes:
        raise BenchFailed(
            f"{target.url} answers with {answered_bytes(said) / number:.0f} bytes on average: a right answer has "
            f"{target.answer_bytes}"
        )


def _run(command: list[str], seconds: float) -> tuple[str | None, float]:
    """Return what the command says, none where it had to be ended, and its CPU seconds."""
    before = os.times()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said: str | None = None
        try:
            said, _ = process.communicate(timeout=seconds + END_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
    after = os.times()
    if said is not None and process.returncode != 0:
        raise BenchFailed(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    return said, taken
