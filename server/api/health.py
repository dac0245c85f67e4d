"""Liveness, readiness and metrics: routes of the REST interface, and of a listener of their own.

The health listener has a thread, an event loop, connections and a byte budget of its own, so that neither load on the REST
interface nor a blocked event loop delays a probe. Liveness is judged by the heartbeats of the other event loops.
"""

from __future__ import annotations

from server.api.http import HttpRequest, HttpResponse, HttpStream
from server.api.metrics import CONTENT_TYPE, exposition
from server.api.node import Node
from server.api.routes import Routes, answer
from server.errors import NotReady
from server.heartbeats import SILENT_SECONDS
from server.protocol.encode import dumps
from server.shared_state import SharedState


class Health:
    """The routes of the kubelet's probes and of Prometheus; none calls the model."""

    def __init__(self, node: Node, state: SharedState) -> None:
        self._node = node
        self._state = state
        metrics = {"GET": self._metrics}
        self.routes: Routes = {
            "/health/ping": {"GET": self._ping},
            "/health/status": {"GET": self._status},
            "/api/v1.0/health/status": {"GET": self._status},
            "/metrics": metrics,
            # The path in the annotations that Seldon's operator writes for Prometheus.
            "/prometheus": metrics,
        }

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request of the listener of its own; it never raises."""
        return await answer(self.routes, request)

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
        if not self._node.client.ready:
            why = self._node.client.why
            raise NotReady(f"the model is not loaded: {why}" if why else "the model is not loaded")
        return HttpResponse(200, dumps({"strData": "healthy", "meta": self._node.meta()}))

    async def _metrics(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, exposition(self._node, self._state), CONTENT_TYPE)
