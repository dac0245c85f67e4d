"""A server that is measured: how it is started, asked and stopped."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import numpy as np

from benchmarks.serving.dialect import Dialect, framed
from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.load import Target
from benchmarks.serving.memory import cpu_seconds, pss
from benchmarks.serving.rows import TOLERANCE, Array, expected
from gitops.local.ports import free

HOST = "127.0.0.1"
READY_SECONDS = 120
STOP_SECONDS = 10
POLL_SECONDS = 0.05
LOG_LINES = 60


@dataclass(frozen=True)
class Ports:
    """Where a server listens."""

    http: int
    grpc: int
    metrics: int


@dataclass(frozen=True)
class Command:
    """What starts a server, and the environment variables beside those that are there."""

    arguments: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peer:
    """A server with its settings; ``ready`` is the path that answers 200 when the model can be asked.

    ``dialect`` is that of its REST interface, ``grpc`` that of its gRPC interface, where it has one.
    """

    name: str
    dialect: Dialect
    command: Callable[[Ports], Command]
    ready: str
    grpc: Dialect | None = None


@dataclass(frozen=True)
class Running:
    """A peer that is ready."""

    peer: Peer
    ports: Ports
    pid: int

    @property
    def memory(self) -> float:
        """The PSS of all its processes in MiB."""
        return pss(self.pid)

    @property
    def cpu(self) -> float:
        """The CPU seconds of all its processes until now."""
        return cpu_seconds(self.pid)

    def target(self, asked: Array, over: Dialect | None = None) -> Target:
        """Return where and how to ask for ``asked``, once it was answered rightly.

        Raises:
            BenchFailed: a number differs from the model's own by more than 1e-9.
        """
        dialect = over or self.peer.dialect
        body = dialect.body(asked)
        answer = self._call(dialect, body) if dialect.grpc else self.post(body)
        said, right = dialect.values(answer), expected(asked)
        if said.shape != right.shape or not np.allclose(said, right, rtol=0, atol=TOLERANCE):
            raise BenchFailed(
                f"{self.peer.name} answers {len(asked)} rows with {said!r}: must be {right!r} to {TOLERANCE:g}"
            )
        if dialect.grpc:
            body, answer = framed(body), framed(answer)
        port = self.ports.grpc if dialect.grpc else self.ports.http
        return Target(
            f"http://{HOST}:{port}{dialect.path}", dialect.content_type, body, len(answer), dialect.headers
        )

    def post(self, body: bytes) -> bytes:
        """Return the answer to one request.

        Raises:
            BenchFailed: it is an error.
        """
        dialect = self.peer.dialect
        connection = http.client.HTTPConnection(HOST, self.ports.http, timeout=READY_SECONDS)
        try:
            connection.request(
                "POST", dialect.path, body, {"content-type": dialect.content_type, **dialect.headers}
            )
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise BenchFailed(f"{self.peer.name} answers {answer.status}: {content.decode(errors='replace')}")
        return content

    def _call(self, dialect: Dialect, body: bytes) -> bytes:
        with grpc.insecure_channel(f"{HOST}:{self.ports.grpc}") as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(dialect.path)
            try:
                return bytes(call(body, timeout=READY_SECONDS, wait_for_ready=True))
            except grpc.RpcError as error:
                raise BenchFailed(
                    f"{self.peer.name} answers {error.code().name}: {error.details()}"
                ) from error


@contextmanager
def running(peer: Peer) -> Iterator[Running]:
    """Start the peer, wait until it is ready, and stop it with all its processes.

    Raises:
        BenchFailed: it does not get ready; the message holds the end of its log.
    """
    with ExitStack() as stack:
        # A short path: the stock wrapper puts sockets there.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)))
        ports, log = Ports(*free(3)), folder / "log"
        command = peer.command(ports)
        process = subprocess.Popen(
            command.arguments,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder), **command.environ},
            stdin=subprocess.DEVNULL,
            stdout=stack.enter_context(log.open("wb")),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        stack.callback(_stop, process)
        end = time.monotonic() + READY_SECONDS
        while not _answers(ports.http, peer.ready):
            if process.poll() is not None or time.monotonic() > end:
                said = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
                raise BenchFailed(f"{peer.name} does not get ready; its log ends:\n{said}")
            time.sleep(POLL_SECONDS)
        yield Running(peer, ports, process.pid)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask all processes of the session to end, and kill those that do not."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
