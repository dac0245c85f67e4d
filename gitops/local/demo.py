"""``python -m gitops demo`` and ``smoke``: runs the overlays here, and sends their requests through the gateway."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from gitops.errors import BadManifest, GitopsError, StartFailed
from gitops.local.gateway import PREDICTIONS, Gateway
from gitops.local.overlay import LocalOverlay
from gitops.local.progress import Progress
from gitops.local.run import LocalDeployment, Run, run
from gitops.local.runtime import SERVER
from server.errors import BadExpectation
from server.pins import expectation
from server.pins.expectation import Expectation, differences


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
    address = predictions_url(running.gateway, deployment.overlay)
    progress.say()
    try:
        expected = read_expected(deployment.overlay.folder)
    except GitopsError as error:
        progress.say(f"{deployment.overlay.name}: {address} ({error})")
        return
    if expected is None:
        progress.say(f"{deployment.overlay.name}: {address} (its expected.json names no request)")
        return
    request = expected.request
    body = shlex.quote(json.dumps(request, separators=(",", ":")))
    progress.say(f"$ curl -s -H 'Content-Type: application/json' {address} \\\n    -d {body}")
    progress.say((await send(running, deployment.overlay, request)).text)


@dataclass(frozen=True)
class Response:
    """An HTTP status and body."""

    status: int
    text: str


def predictions_url(gateway: Gateway, overlay: LocalOverlay) -> str:
    """Return the address of the overlay's predictions."""
    return f"{gateway.url}{overlay.path}/{PREDICTIONS}"


async def send(running: Run, overlay: LocalOverlay, request: dict[str, Any]) -> Response:
    """Send a SeldonMessage to the overlay's deployment."""
    async with running.client.post(predictions_url(running.gateway, overlay), json=request) as answer:
        return Response(answer.status, await answer.text())


def read_expected(folder: Path) -> Expectation | None:
    """Read the expected.json of the overlay in ``folder``; None where no answer is compared.

    Raises:
        BadManifest: the file is missing, or does not hold a request and a response.
    """
    try:
        return expectation.read(folder / expectation.FILE)
    except BadExpectation as error:
        raise BadManifest(str(error)) from error


async def smoke(
    folders: Sequence[Path],
    *,
    root: Path,
    state: Path,
    listener: socket.socket,
    progress: Progress,
    runtime: str = SERVER,
) -> bool:
    """Run the overlays in ``folders``, send each its request, print a line for each, stop.

    Return whether every answer is the expected one: names and meta.requestPath exactly, numbers to 1e-9.
    """
    began = time.monotonic()
    async with run(
        folders, root=root, state=state, listener=listener, progress=progress, runtime=runtime
    ) as running:
        results = {folder.name: await _problems(folder, running) for folder in folders}
        progress.say()
        for name, problems in results.items():
            mark = ("failed", "red") if problems else ("ok", "green")
            message = "; ".join(problems) or _passed(next(entry for entry in folders if entry.name == name))
            progress.say(Text.assemble((f"{mark[0]:>6}", mark[1]), f"  {name}: {message}"))
    fine = sum(not problems for problems in results.values())
    progress.say(f"{fine} of {len(results)} overlays ok in {time.monotonic() - began:.1f} s")
    return fine == len(results)


def _passed(folder: Path) -> str:
    """Return the report of an overlay without problems."""
    if read_expected(folder) is None:
        return "serves; its expected.json names no request, so no answer is compared"
    return "numbers, names and requestPath as expected"


async def _problems(folder: Path, running: Run) -> list[str]:
    """Return what is wrong with the overlay in ``folder`` or its answer."""
    if folder.name in running.failures:
        return [str(running.failures[folder.name]).partition("\n")[0]]
    overlay = next(entry.overlay for entry in running.deployments if entry.overlay.folder == folder)
    try:
        expected = read_expected(folder)
    except GitopsError as error:
        return [str(error)]
    if expected is None:
        return []  # It is healthy, or it would be among the failures.
    answer = await send(running, overlay, expected.request)
    if answer.status != 200:
        return [f"answered {answer.status}: {answer.text}"]
    try:
        content = json.loads(answer.text)
    except ValueError:
        return [f"answered what is no JSON: {answer.text}"]
    return [
        *expected.differences(content),
        *differences(overlay.request_path, content.get("meta", {}).get("requestPath"), "meta.requestPath"),
    ]
