"""A server under test: `python -m server serve` as its own process, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from gitops.local import ports
from tests import processes
from tests.project import ROOT

IMAGE = "ghcr.io/owner/image@sha256:0"
WORKER = "worker/__main__.py"
VISIBLE = "tests.server.visible"
READY_SECONDS = 60
# Without gRPC, whose library takes longest to load, and whose clients get a second to leave.
REST = {"SERVER_GRPC": "false"}


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path
    grpc_port: int
    health_port: int

    def post(self, path: str, message: object, **options: object) -> httpx.Response:
        """Send a message as JSON, or bytes as they are."""
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.client.post(path, content=content, **options)

    def wait_until_ready(self) -> None:
        """Return when /health/status answers 200; fail with the log when it never does."""
        wait_until_status(self.process, self.client, self.log)

    def printed(self, start: str) -> list[str]:
        """Return the lines that the model printed and that begin so, without the ids that the server puts behind them."""
        lines = self.log.read_text().splitlines()
        return [line.partition(" puid=")[0] for line in lines if line.startswith(start)]

    def worker(self) -> int:
        """Return the process id of the model's process."""
        (worker,) = [child for child in processes.children(self.process.pid) if is_worker(child)]
        return worker

    def server_processes(self) -> list[int]:
        """Return the process ids of the server's own, but the first."""
        return [child for child in processes.children(self.process.pid) if not is_worker(child)]

    def model_processes(self) -> list[int]:
        """Return the process ids of those that answer calls where there are several: the others only start them."""
        found, below = [], processes.children(self.worker())
        while below:
            process = below.pop()
            forked = processes.children(process)
            below += forked
            found += [] if forked else [process]
        return sorted(found)


def is_worker(process: int) -> bool:
    """Whether a process is the model's, or is forked by it."""
    return WORKER in processes.command_line(process)


def wait_until_status(process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    """Return when /health/status of a process answers 200; fail with its log when it never does."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get("/health/status").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"not ready; its log:\n{log.read_text()}")


def free_port() -> int:
    """Return a port that nothing listens on."""
    return ports.free(1)[0]


def this_environment(folder: Path) -> Path:
    """Return an environment folder whose environment is the one that the tests run in."""
    folder.mkdir(exist_ok=True)
    (folder / "current").symlink_to(sys.prefix)
    return folder


@contextmanager
def serving(
    folder: Path,
    model: Path,
    *,
    ready: bool = True,
    environ: dict[str, str] | None = None,
    environment: Path | None = None,
    descriptors: int | None = None,
    prefix: Sequence[str] = (),
    program: str = "server",
    root: Path = ROOT,
    **parameters: str,
) -> Iterator[Served]:
    """Serve ``model`` with these graph parameters, in this process's environment or a given one, and stop it again.

    What the model writes beside itself lies in ``folder``. ``descriptors`` is the soft limit of files and connections
    that the server starts with, else this process's own; ``prefix`` is a command that runs the server's. ``program`` is the
    module that runs the server, such as VISIBLE, whose descriptors may be looked at, and ``root`` the folder of its package.
    """
    port, grpc_port, health_port = ports.free(3)
    listed = {"model_uri": str(model), **parameters}
    log, scratch = folder / "log", folder / "scratch"
    scratch.mkdir(exist_ok=True)
    # Of the server alone: this process may have more open already.
    limited = [] if descriptors is None else ["sh", "-c", f'ulimit -S -n {descriptors} && exec "$@"', "sh"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                *limited,
                *prefix,
                *(sys.executable, "-m", program, "serve"),
                *("--environment", environment or this_environment(folder / "env")),
            ],
            cwd=root,
            stderr=sink,
            stdout=sink,
            env={
                **os.environ,
                "TMPDIR": str(scratch),
                "SERVER_HOST": "127.0.0.1",
                "PREDICTIVE_UNIT_ID": "model",
                "PREDICTIVE_UNIT_IMAGE": IMAGE,
                "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
                "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(grpc_port),
                "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(health_port),
                "PREDICTIVE_UNIT_PARAMETERS": json.dumps(
                    [{"name": name, "value": value, "type": "STRING"} for name, value in listed.items()]
                ),
                **(environ or {}),
            },
        )
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            served = Served(process, client, log, grpc_port, health_port)
            try:
                if ready:
                    served.wait_until_ready()
                yield served
            finally:
                client.close()  # The server need not wait for what may come over its connections.
                process.send_signal(signal.SIGTERM)
                process.wait(30)
