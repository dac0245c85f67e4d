"""``python -m gitops smoke``: run the overlays, compare their answers with expected.json, stop."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from gitops.errors import GitopsError
from gitops.local import expectation
from gitops.local.client import ask
from gitops.local.progress import Progress
from gitops.local.run import Run, run
from gitops.local.runtime import SERVER
from server.expectation import differences


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
            said = "; ".join(problems) or _right(next(entry for entry in folders if entry.name == name))
            progress.say(Text.assemble((f"{mark[0]:>6}", mark[1]), f"  {name}: {said}"))
    fine = sum(not problems for problems in results.values())
    progress.say(f"{fine} of {len(results)} overlays ok in {time.monotonic() - began:.1f} s")
    return fine == len(results)


def _right(folder: Path) -> str:
    """Say what is as it should be of an overlay without problems."""
    if expectation.read(folder) is None:
        return "serves; its expected.json names no request, so no answer is compared"
    return "numbers, names and requestPath as expected"


async def _problems(folder: Path, running: Run) -> list[str]:
    """Return what is wrong with the overlay in ``folder`` or its answer."""
    if folder.name in running.failures:
        return [str(running.failures[folder.name]).partition("\n")[0]]
    overlay = next(entry.overlay for entry in running.deployments if entry.overlay.folder == folder)
    try:
        expected = expectation.read(folder)
    except GitopsError as error:
        return [str(error)]
    if expected is None:
        return []  # It is healthy, or it would be among the failures.
    answer = await ask(running, overlay, expected.request)
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
