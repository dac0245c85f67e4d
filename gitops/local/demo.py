"""``python -m gitops demo`` and ``smoke``: runs the overlays here, and sends their requests through the gateway."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.text import Text

from gitops.errors import GitopsError, StartFailed
from gitops.local.gateway import Gateway
from gitops.local.overlay import LocalOverlay, read_expected
from gitops.local.ports import HOST
from gitops.local.prometheus import DASHBOARD, prometheus
from gitops.local.run import LocalDeployment, Run, run
from gitops.local.runtime import SERVER
from gitops.manifests.seldondeployment import SELDON
from gitops.progress import Progress
from server.errors import BadExpectation
from server.pins.expectation import differences


async def demo(
    folders: Sequence[Path],
    *,
    root: Path,
    state: Path,
    listener: socket.socket,
    progress: Progress,
    runtime: str = SERVER,
    monitoring: bool = False,
) -> None:
    """Run the overlays in ``folders``, with ``monitoring`` a Prometheus beside them, and serve them until cancelled.

    Where none of them starts, the page about them stays until then, if it has more to show than why.

    Raises:
        StartFailed: none of them starts, or Prometheus does not.
        BadManifest: Prometheus has no rules.
    """
    progress.say(f"See them start at http://{HOST}:{listener.getsockname()[1]}/")
    async with run(
        folders, root=root, state=state, listener=listener, progress=progress, runtime=runtime, s3=False
    ) as running:
        if not running.deployments:
            await _show_failed(running, progress)
        for deployment in sorted(running.deployments, key=lambda entry: entry.overlay.name):
            await _show(deployment, running, progress)
        async with AsyncExitStack() as stack:
            if monitoring:
                with progress.step("Prometheus"):
                    url = await stack.enter_async_context(prometheus(running, root=root, state=state))
                progress.say()
                progress.say(
                    f"Prometheus at {url} scrapes them: the data source of a Grafana that imports {DASHBOARD};"
                )
                progress.say(f"its alerts: {url}/api/v1/alerts")
            progress.say()
            progress.say(
                f"Serving at {running.gateway.url} until Ctrl-C, with a page to try them; logs are in {state / 'logs'}"
            )
            await asyncio.Event().wait()


async def _show_failed(running: Run, progress: Progress) -> NoReturn:
    """Keep the page about overlays of which none is ready until cancelled, if any of them could be read.

    Raises:
        StartFailed: none of them could, or it is cancelled.
    """
    failure = StartFailed("no overlay is ready; see the errors above")
    if not any(overlay.description for overlay in running.status.overlays.values()):
        raise failure
    progress.say()
    progress.say(f"No overlay is ready: {running.gateway.url}/ tells why, until Ctrl-C")
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    raise failure


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
    try:
        request = deployment.overlay.protocol.request(expected)
    except BadExpectation as error:
        progress.say(f"{deployment.overlay.name}: {address} ({error})")
        return
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
    return f"{gateway.url}{overlay.path}{overlay.protocol.predictions}"


async def send(running: Run, overlay: LocalOverlay, request: dict[str, Any]) -> Response:
    """Send a request, as its protocol has it, to the overlay's deployment."""
    async with running.client.post(predictions_url(running.gateway, overlay), json=request) as answer:
        return Response(answer.status, await answer.text())


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
            message = "; ".join(problems) or _passed(_overlay(running, name))
            progress.say(Text.assemble((f"{mark[0]:>6}", mark[1]), f"  {name}: {message}"))
    fine = sum(not problems for problems in results.values())
    progress.say(f"{fine} of {len(results)} overlays ok in {time.monotonic() - began:.1f} s")
    return fine == len(results)


def _overlay(running: Run, name: str) -> LocalOverlay:
    return next(entry.overlay for entry in running.deployments if entry.overlay.name == name)


def _passed(overlay: LocalOverlay) -> str:
    """Return the report of an overlay without problems."""
    if read_expected(overlay.folder) is None:
        return "serves; its expected.json names no request, so no answer is compared"
    if overlay.deployment.protocol == SELDON:
        return "numbers, names and requestPath as expected"
    return f"values as expected, by {overlay.protocol.predictions}"


async def _problems(folder: Path, running: Run) -> list[str]:
    """Return what is wrong with the overlay in ``folder`` or its answer."""
    if folder.name in running.failures:
        return [str(running.failures[folder.name]).partition("\n")[0]]
    overlay = _overlay(running, folder.name)
    try:
        expected = read_expected(folder)
        if expected is None:
            return []  # It is healthy, or it would be among the failures.
        request = overlay.protocol.request(expected)
    except (GitopsError, BadExpectation) as error:
        return [str(error)]
    answer = await send(running, overlay, request)
    if answer.status != 200:
        return [f"answered {answer.status}: {answer.text}"]
    try:
        content = json.loads(answer.text)
    except ValueError:
        return [f"answered what is no JSON: {answer.text}"]
    problems = expected.differences(overlay.protocol.answer(expected, content))
    if overlay.deployment.protocol != SELDON:
        return problems
    said = content.get("meta", {}).get("requestPath")
    return [*problems, *differences(overlay.request_path, said, "meta.requestPath")]
