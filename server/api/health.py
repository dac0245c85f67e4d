"""Liveness, readiness and metrics: routes of the REST interface, and of a listener of their own.

The health listener has a thread, an event loop, connections and a byte budget of its own, so that neither load on the REST
interface nor a blocked event loop delays a probe. Liveness is judged by the heartbeats of the other event loops.
"""

from __future__ import annotations

import asyncio

from server.api.exposition import Exposition
from server.api.metrics import Metrics
from server.api.node import Node
from server.api.routes import HttpRequest, HttpResponse, HttpStream, Protocol, Routes, answer
from server.artifact.digest import model_digest
from server.errors import NotReady
from server.protocol.json_codec import dumps
from server.shared_state import SILENT_SECONDS, SharedState


class Health:
    """The routes of the kubelet's probes and of Prometheus; none calls the model."""

    def __init__(self, node: Node, state: SharedState) -> None:
        self._node = node
        self._state = state
        self._collected, self._exposition = Metrics(node, state), Exposition()
        self._digesting: asyncio.Task[str] | None = None
        metrics = {"GET": self._metrics}
        self.routes: Routes = {
            "/health/ping": {"GET": self._ping},
            "/health/status": {"GET": self._status},
            "/api/v1.0/health/status": {"GET": self._status},
            "/metrics": metrics,
            # The path in the annotations that Seldon's operator writes for Prometheus.
            "/prometheus": metrics,
            f"/{node.settings.metrics_endpoint.lstrip('/')}": metrics,
        }
        self._protocol = Protocol(self.routes)

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request of the listener of its own; it never raises."""
        return await answer(self._protocol, self._protocol.find(request.path)[1], request)

    def _check_liveness(self) -> None:
        silence = self._state.heartbeats.silence
        if silence >= SILENT_SECONDS:
            raise NotReady(
                f"an event loop of the server has been held for {silence:.0f} seconds, and may be for "
                f"{SILENT_SECONDS:g}: the server is to be started again"
            )

    async def _ping(self, _: HttpRequest) -> HttpResponse:
        self._check_liveness()
        return HttpResponse(200, b"pong", "text/html; charset=utf-8")

    async def _status(self, _: HttpRequest) -> HttpResponse:
        self._check_liveness()
        return HttpResponse(200, dumps({"strData": self._node.health(), "meta": self._node.meta()}))

    async def _metrics(self, request: HttpRequest) -> HttpResponse:
        self._find_digest()
        accept = request.headers.get("accept", "")
        return HttpResponse(200, *await self._exposition.text(self._collected.families(), accept))

    def _find_digest(self) -> None:
        """Have the model's digest computed, once, where ``fetch`` has not left it: metrics do not wait for it."""
        if self._collected.digest or not self._node.settings.metrics:
            return
        if self._digesting is None:
            self._digesting = asyncio.create_task(asyncio.to_thread(model_digest, self._node.model.folder))
        elif self._digesting.done() and not self._digesting.cancelled() and not self._digesting.exception():
            self._collected.digest = self._digesting.result()
