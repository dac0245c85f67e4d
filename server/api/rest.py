"""The routes of the REST interface: an HTTP request to an HTTP response, no sockets.

Paths: those of the stock wrapper (wrapper.py of seldon-core 1.17.1).
"""

from __future__ import annotations

from pathlib import Path

from server.api import server_sent_events
from server.api.feedback import feedback
from server.api.health import Health
from server.api.http import HttpRequest, HttpResponse, HttpStream
from server.api.node import Node, Role
from server.api.request_body import cost, message
from server.api.routes import Handler, Routes, answer
from server.errors import BadData
from server.protocol.decode import bare, decode
from server.protocol.encode import dumps, encode
from server.protocol.puid import HEADER, puid
from server.shared_state import SharedState

# A page that shows /seldon.json and lets people try it; it asks no other address.
DOC = Path(__file__).with_name("doc.html")


class Rest:
    """The REST interface of a node, whose requests take from the budget while they are answered."""

    def __init__(self, node: Node, state: SharedState) -> None:
        self._node = node
        self._budget = state.budget
        role = self._calls(node.role)
        self._routes: Routes = {
            **Health(node, state).routes,
            "/predict": _both(self._calls(Role.PREDICT)),
            "/predict_stream": {"POST": self._stream},
            "/transform-input": _both(self._calls(Role.TRANSFORM_INPUT)),
            "/transform-output": _both(self._calls(Role.TRANSFORM_OUTPUT)),
            "/route": _both(self._not_this_node("a ROUTER")),
            "/aggregate": _both(self._not_this_node("a COMBINER")),
            "/send-feedback": _both(self._feedback),
            "/api/v1.0/predictions": {"POST": role},
            "/api/v0.1/predictions": {"POST": role},
            "/api/v1.0/feedback": {"POST": self._feedback},
            "/api/v0.1/feedback": {"POST": self._feedback},
            "/metadata": {"GET": self._metadata},
            "/api/v1.0/metadata": {"GET": self._metadata},
            "/seldon.json": {"GET": self._openapi},
            "/api/v1.0/doc": {"GET": self._to_doc},
            "/api/v1.0/doc/": {"GET": self._doc},
        }

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request; it never raises."""
        return await answer(self._routes, request)

    def _calls(self, role: Role) -> Handler:
        async def call(http: HttpRequest) -> HttpResponse:
            self._node.client.admit()  # Before the request is parsed, which takes longer than to refuse it.
            with self._budget.reserved(cost(http)):
                request = decode(message(http))
                answer, meta = await self._node.answer(role, request)
                headers = {HEADER: puid(request.meta, http.headers.get(HEADER))}
                return HttpResponse(200, encode(request, answer, meta), headers=headers)

        return call

    async def _stream(self, http: HttpRequest) -> HttpStream:
        self._node.client.admit()
        # Until the model has the request: it answers in parts for as long as it likes.
        with self._budget.reserved(cost(http)):
            request = bare(message(http))
            rest = server_sent_events.events(self._node.stream(request))
            # What goes wrong before the model has made a part of its answer has a status of its own.
            first = await anext(rest)
        headers = {HEADER: puid(request.meta, http.headers.get(HEADER)), **server_sent_events.HEADERS}
        return HttpStream(200, first, rest, server_sent_events.CONTENT_TYPE, headers)

    def _not_this_node(self, kind: str) -> Handler:
        async def refuse(http: HttpRequest) -> HttpResponse:
            raise BadData(f"{http.path}: this node is a {self._node.settings.service_type}, not {kind}")

        return refuse

    async def _feedback(self, http: HttpRequest) -> HttpResponse:
        with self._budget.reserved(cost(http)):
            empty, given = feedback(message(http))
        return HttpResponse(200, dumps({**empty, "meta": self._node.meta(given)}))

    async def _metadata(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps(await self._node.metadata()))

    async def _openapi(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps(await self._node.openapi()))

    async def _to_doc(self, _: HttpRequest) -> HttpResponse:
        # Relative, so that a gateway's prefix stays in place.
        return HttpResponse(308, b"", headers={"location": "doc/"})

    async def _doc(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, DOC.read_bytes(), "text/html; charset=utf-8")


def _both(handler: Handler) -> dict[str, Handler]:
    return {"GET": handler, "POST": handler}
