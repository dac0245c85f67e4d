"""``python -m gitops demo``: run the overlays, show how to ask them, serve until stopped."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from gitops.errors import GitopsError, StartFailed
from gitops.local import expectation
from gitops.local.client import ask, url
from gitops.local.deployment import LocalDeployment
from gitops.local.progress import Progress
from gitops.local.run import Run, run
from gitops.local.runtime import SERVER


async def demo(
    folders: Sequence[Path],
    *,
    root: Path,
    state: Path,
    listener: socket.socket,
    progress: Progress,
    runtime: str = SERVER,
) -> None:
    """Run the overlays in ``folders`` and serve them until cancelled.

    Raises:
        StartFailed: none of them starts.
    """
    async with run(
        folders, root=root, state=state, listener=listener, progress=progress, runtime=runtime
    ) as running:
        if not running.deployments:
            raise StartFailed("no overlay runs; why is said above")
        for deployment in sorted(running.deployments, key=lambda entry: entry.overlay.name):
            await _show(deployment, running, progress)
        progress.say()
        progress.say(f"Serving at {running.gateway.url} until Ctrl-C; logs are in {state / 'logs'}")
        await asyncio.Event().wait()


async def _show(deployment: LocalDeployment, running: Run, progress: Progress) -> None:
    """Print the request of the overlay's expected.json as a command, and what it answers."""
    address = url(running.gateway, deployment.overlay)
    progress.say()
    try:
        expected = expectation.read(deployment.overlay.folder)
    except GitopsError as error:
        progress.say(f"{deployment.overlay.name}: {address} ({error})")
        return
    if expected is None:
        progress.say(f"{deployment.overlay.name}: {address} (its expected.json names no request)")
        return
    request = expected.request
    body = shlex.quote(json.dumps(request, separators=(",", ":")))
    progress.say(f"$ curl -s -H 'Content-Type: application/json' {address} \\\n    -d {body}")
    progress.say((await ask(running, deployment.overlay, request)).text)
