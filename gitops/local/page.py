"""The page of a run at /, and what it asks for below /demo: how the deployments are, live, and the logs of containers.

It is for this machine alone, as all of the gateway is (gitops.local.loopback), and no other site may read it: there is no CORS.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from gitops.local.loopback import refusal
from gitops.local.status import WAITING, Status
from server.api.page import CONTENT_TYPE, FORM, page

_FOLDER = Path(__file__).parent
# The end of a log, as much as a person reads.
LOG_BYTES = 64 * 1024
# Changes within this time come as one event.
TOGETHER_SECONDS = 0.1
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


class LocalPage:
    """The page about ``status``; ``logs`` is the folder with a folder of logs for each deployment."""

    def __init__(self, status: Status, logs: Path) -> None:
        self.status = status
        self._logs = logs
        self._page = page(_FOLDER / "page.html", [FORM, _FOLDER / "page.js"])

    def add_to(self, application: web.Application) -> None:
        """Add the routes to an application, before one that takes all paths."""
        for path, handler in {
            "/": self._html,
            "/demo/deployments": self._deployments,
            "/demo/events": self._events,
            "/demo/logs/{overlay}/{container}": self._log,
        }.items():
            application.router.add_get(path, handler)
        application.on_shutdown.append(self._end)

    async def _html(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._page.body, headers={"content-type": CONTENT_TYPE, **_HEADERS, **self._page.headers}
        )

    async def _deployments(self, _: web.Request) -> web.Response:
        return web.json_response(self._said(self.status.overlays), headers=_HEADERS)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send all deployments as the event ``all``, and as they change, as ``changed`` those that did.

        Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **_HEADERS})
        await response.prepare(request)
        with self.status.follow() as follower:
            await response.write(_event("all", self._said(self.status.overlays)))
            while not follower.ended:
                names = await follower.changes()
                if names:
                    await response.write(_event("changed", self._said(names)))
                    await asyncio.sleep(TOGETHER_SECONDS)
        return response

    async def _log(self, request: web.Request) -> web.Response:
        """Answer with the end of a container's log; empty where it has not been started."""
        name, container = request.match_info["overlay"], request.match_info["container"]
        overlay = self.status.overlays.get(name)
        step = overlay.steps.get(container) if overlay else None
        if overlay is None or step is None:
            known = ", ".join(overlay.steps) if overlay else ""
            said = (
                f"overlay {name} has the containers {known or 'none'}" if overlay else f"no overlay {name!r}"
            )
            return refusal(404, "NO_SUCH_LOG", f"{request.path}: {said}")
        file = self._logs / overlay.description["deployment"] / f"{container}.log"
        # What lies there before it is started is of an earlier run.
        text = "" if step.state == WAITING else await asyncio.to_thread(_end_of, file)
        return web.Response(text=text, headers=_HEADERS)

    def _said(self, names: Any) -> list[dict[str, Any]]:
        return [overlay.json() for name, overlay in self.status.overlays.items() if name in names]

    async def _end(self, _: web.Application) -> None:
        self.status.end()


def _event(name: str, content: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(content)}\n\n".encode()


def _end_of(file: Path) -> str:
    """Return the last lines of a file, LOG_BYTES at most; empty where there is none."""
    try:
        with file.open("rb") as content:
            skipped = max(0, file.stat().st_size - LOG_BYTES)
            content.seek(skipped)
            text = content.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return text.partition("\n")[2] if skipped else text
