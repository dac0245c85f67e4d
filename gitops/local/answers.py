"""What an overlay that runs on this machine answers to one request, twice."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from gitops.errors import NoExample
from gitops.local import ports
from gitops.local.demo import send
from gitops.local.run import TOOLS, prepare, run
from gitops.progress import Progress

# Timestamps of an answer count in seconds, as a chat's do.
BETWEEN_SECONDS = 1.0


@dataclass(frozen=True)
class Answers:
    """A request, and both answers to it."""

    request: dict[str, Any]
    first: dict[str, Any]
    second: dict[str, Any]


def answers(folder: Path, requests: Sequence[dict[str, Any]], *, root: Path) -> Answers:
    """Run the overlay in ``folder`` with the models of ``root``, and return what it answers to the first request that it takes.

    Raises:
        NoExample: it refuses every request.
        GitopsError: it cannot run here.
    """
    progress = Progress(Console(stderr=True))
    prepare(progress, TOOLS)
    with tempfile.TemporaryDirectory(prefix="graph-") as state, ports.bind(0) as listener:
        return asyncio.run(_answers(folder, requests, root, Path(state), listener, progress))


async def _answers(
    folder: Path,
    requests: Sequence[dict[str, Any]],
    root: Path,
    state: Path,
    listener: socket.socket,
    progress: Progress,
) -> Answers:
    async with run(
        [folder], root=root, state=state, listener=listener, progress=progress, s3=False
    ) as running:
        for failure in running.failures.values():
            raise failure
        (deployment,) = running.deployments
        refusals = []
        for request in requests:
            first = await send(running, deployment.overlay, request)
            if first.status != 200:
                refusals.append(f"{first.status}: {first.text.strip()}")
                continue
            await asyncio.sleep(BETWEEN_SECONDS)
            second = await send(running, deployment.overlay, request)
            return Answers(request, json.loads(first.text), json.loads(second.text))
    raise NoExample(f"{folder.name}: refuses the request that it is tried with, by {'; and '.join(refusals)}")
