"""The stock wrapper under test: `seldon-core-microservice` with a component, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import httpx

from gitops import tools
from gitops.errors import WrapperNotInstalled
from tests.project import ROOT
from tests.pythons import missing
from tests.server.running_server import IMAGE, READY_SECONDS, free_port, wait_until_status

PLAIN = "plain.Plain"
COMPONENT = "server.component.MLFlowServer"


@dataclass(frozen=True)
class Wrapped:
    """A running wrapper. Its processes are a group of their own."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path
    grpc_port: int
    metrics_port: int

    def wait_until_ready(self) -> None:
        """Return when REST and gRPC answer; fail with the log when they never do."""
        self.wait_until_rest_answers()
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            try:
                grpc.channel_ready_future(channel).result(READY_SECONDS)
            except grpc.FutureTimeoutError as error:
                raise AssertionError(f"gRPC is not ready; its log:\n{self.log.read_text()}") from error

    def wait_until_rest_answers(self) -> None:
        """Return when REST answers; fail with the log when it never does."""
        wait_until_status(self.process, self.client, self.log)


def interpreter() -> Path:
    """Return the interpreter of the wrapper's environment, or go without the test where no Python is that it runs on."""
    try:
        return tools.seldon_core_python()
    except WrapperNotInstalled as error:
        if "No interpreter found" not in str(error):
            raise
        missing("Python 3.11 or 3.12 (seldon-core has no other)")


@contextmanager
def wrapping(
    component: str,
    folder: Path,
    *,
    ready: bool = True,
    environ: dict[str, str] | None = None,
    **parameters: str,
) -> Iterator[Wrapped]:
    """Serve a component by the wrapper with these graph parameters, and stop it again."""
    http_port, grpc_port, metrics_port = free_port(), free_port(), free_port()
    log = folder / "log"
    ports = ["--http-port", http_port, "--grpc-port", grpc_port, "--metrics-port", metrics_port]
    with ExitStack() as stack:
        # What is killed leaves its temporary files; the wrapper's sockets among them need a short path.
        temporary = stack.enter_context(TemporaryDirectory(ignore_cleanup_errors=True))
        sink = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            [interpreter(), *tools.SELDON_CORE_PROGRAM, component, *map(str, ports)],
            cwd=ROOT,
            stderr=sink,
            stdout=sink,
            start_new_session=True,
            env={
                **os.environ,
                "TMPDIR": temporary,
                # Not as a package: one that the wrapper brings is called tests, too.
                "PYTHONPATH": str(Path(__file__).parent),
                "PREDICTIVE_UNIT_ID": "model",
                "PREDICTIVE_UNIT_IMAGE": IMAGE,
                "PREDICTIVE_UNIT_PARAMETERS": json.dumps(
                    [{"name": name, "value": value, "type": "STRING"} for name, value in parameters.items()]
                ),
                **(environ or {}),
            },
        )
        # By SIGTERM a plain component's wrapper ends its first process only, which then waits for the others.
        stack.callback(_kill, process)
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{http_port}", timeout=30))
        wrapped = Wrapped(process, client, log, grpc_port, metrics_port)
        if ready:
            wrapped.wait_until_ready()
        yield wrapped


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
