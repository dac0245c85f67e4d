"""A container engine by its command line, and containers that get nothing that they do not need."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

DOCKER = os.environ.get("DOCKER", "docker")
# How this machine reaches a package index, say a certificate authority of its network.
OPTIONS = shlex.split(os.environ.get("OPTIONS", ""))
# A user that no image knows.
USER = "54321:54321"
LOCKED_DOWN = (
    *("--user", USER, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "1500m", "--cpus", "1.5", "--pids-limit", "200"),
)
TMPFS = ("--tmpfs", "/tmp:exec,mode=1777,size=1g")
READY_SECONDS = 180


def docker(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOCKER, *arguments],
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(*arguments: str, environ: Mapping[str, str] | None = None) -> str:
    done = docker(*arguments, environ=environ)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.strip()


def inspect(what: str) -> dict[str, Any]:
    (found,) = json.loads(succeed("inspect", what))
    return dict(found)


@dataclass(frozen=True)
class Container:
    name: str

    def log(self) -> str:
        done = docker("logs", self.name)
        return done.stdout + done.stderr

    def python(self, code: str) -> str:
        """Run ``code`` beside what runs in the container, as its user."""
        return succeed("exec", self.name, "python", "-I", "-c", code)

    def state(self) -> dict[str, Any]:
        return dict(inspect(self.name)["State"])

    def wait_until_ready(self, client: httpx.Client) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.state()["Running"]:
            try:
                if client.get("/health/status").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"not ready; its log:\n{self.log()}")


def run(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a locked down container to its end; ``environ`` by the client's environment, not by arguments."""
    given = environ or {}
    names = [option for name in given for option in ("--env", name)]
    return docker("run", "--rm", *LOCKED_DOWN, *names, *OPTIONS, *arguments, environ=given)


@contextmanager
def running(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Container]:
    """Run a locked down container beside the block."""
    given = environ or {}
    names = [option for name in given for option in ("--env", name)]
    container = Container(
        succeed("run", "--detach", *LOCKED_DOWN, *names, *OPTIONS, *arguments, environ=given)
    )
    try:
        yield container
    finally:
        docker("rm", "--force", "--volumes", container.name)
