"""The routes of the REST interface: an HTTP request to an HTTP response, no sockets.

Paths: those of the stock wrapper (wrapper.py of seldon-core 1.17.1).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from server.api import scoring, server_sent_events, v2
from server.api.feedback import feedback
from server.api.health import Health
from server.api.http import HttpRequest, HttpResponse, HttpStream
from server.api.node import Node, Role
from server.api.request_body import cost, message
from server.api.routes import Handler, Protocol, Routes, answer
from server.api.scoring import Scoring
from server.api.v2 import V2
from server.errors import BadData
from server.protocol.json_codec import bare, decode, dumps, encode
from server.protocol.meta import HEADER, puid
from server.shared_state import SharedState
from server.telemetry.call_record import CallRecord, Payload, identify, identify_feedback

# A page that shows /seldon.json and lets people try it; it asks no other address.
DOC = Path(__file__).with_name("doc.html")
# What the body of a request is that does not say it.
JSON = "application/json"
# The longest answer in parts that is kept whole for a log of payloads.
KEPT_BYTES = 1 << 20


class Rest:
    """The REST interface of a node, whose requests take from the budget while they are answered."""

    def __init__(self, node: Node, state: SharedState) -> None:
        self._node = node
        self._budget = state.budget
        role = self._calls(node.role)
        self._v2 = V2(node, state.budget)
        self._scoring = Scoring(node, state.budget)
        routes: Routes = {
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
        self._seldon = Protocol(routes, others=(*self._v2.known, *sorted(scoring.PATHS)))

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request; it never raises."""
        telemetry, protocol = self._node.telemetry, self._protocol(request.path)
        pattern, methods = protocol.find(request.path)
        record = telemetry.begin(
            *("rest", pattern, request.client, request.headers, len(request.body)),
            http_method=request.method,
            path=request.path,
        )
        record.puid = request.headers.get(HEADER, "")
        if telemetry.keeps_payloads:
            record.request = Payload(request.body, request.headers.get("content-type", JSON))
        try:
            response = await answer(protocol, methods, request)
        except BaseException:
            telemetry.end(record)
            raise
        if isinstance(response, HttpStream):
            rest = self._recorded(record, response)
            await anext(rest)  # It has begun, so that closing it ends the record.
            return response._replace(rest=rest)
        if telemetry.keeps_payloads:
            record.response = Payload(response.body, response.content_type)
        record.code, record.response_bytes = str(response.status), len(response.body)
        telemetry.end(record)
        return response

    async def _recorded(self, record: CallRecord, stream: HttpStream) -> AsyncGenerator[bytes, None]:
        """Yield the rest of a stream, and end the record of its call when it ends."""
        record.response_bytes = len(stream.first)
        kept = [stream.first] if self._node.telemetry.keeps_payloads else []
        try:
            async with aclosing(stream.rest):
                yield b""
                async for part in stream.rest:
                    record.response_bytes += len(part)
                    if kept and record.response_bytes <= KEPT_BYTES:
                        kept.append(part)
                    yield part
            record.code = str(stream.status)
        finally:
            if kept and record.response_bytes <= KEPT_BYTES:
                record.response = Payload(b"".join(kept), stream.content_type)
            self._node.telemetry.end(record)

    def _protocol(self, path: str) -> Protocol:
        if path.startswith(v2.PREFIX):
            return self._v2
        return self._scoring if path in scoring.PATHS else self._seldon

    def _calls(self, role: Role) -> Handler:
        async def call(http: HttpRequest) -> HttpResponse:
            self._node.client.admit()  # Before the request is parsed, which takes longer than to refuse it.
            with self._budget.reserved(cost(http)):
                request = decode(message(http))
                given = identify(puid(request.meta, http.headers.get(HEADER)))
                answer, meta = await self._node.answer(role, request)
                headers = {HEADER: given}
                return HttpResponse(200, encode(request, answer, meta), headers=headers)

        return call

    async def _stream(self, http: HttpRequest) -> HttpStream:
        self._node.client.admit()
        # Until the model has the request: it answers in parts for as long as it likes.
        with self._budget.reserved(cost(http)):
            request = bare(message(http))
            given = identify(puid(request.meta, http.headers.get(HEADER)))
            rest = server_sent_events.events(self._node.stream(request))
            # What goes wrong before the model has made a part of its answer has a status of its own.
            first = await anext(rest)
        headers = {HEADER: given, **server_sent_events.HEADERS}
        return HttpStream(200, first, rest, server_sent_events.CONTENT_TYPE, headers)

    def _not_this_node(self, kind: str) -> Handler:
        async def refuse(http: HttpRequest) -> HttpResponse:
            raise BadData(f"{http.path}: this node is a {self._node.settings.service_type}, not {kind}")

        return refuse

    async def _feedback(self, http: HttpRequest) -> HttpResponse:
        with self._budget.reserved(cost(http)):
            empty, given = feedback(message(http))
        identify_feedback(puid(given, http.headers.get(HEADER)))
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
