"""The routes of the REST interface: an HTTP request to an HTTP response, no sockets.

A streamed answer is server-sent events, as MLflow's agent server writes them: one JSON value each, then [DONE]. An error ends
them too: an event ``error`` with Seldon's status, and its text where MLflow has it. Formats:
https://html.spec.whatwg.org/multipage/server-sent-events.html, mlflow/genai/agent_server/server.py of MLflow 3.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import Any

from server.api import scoring, v2
from server.api.health import Health
from server.api.node import Node, Role
from server.api.page import CONTENT_TYPE, FORM, Page, page
from server.api.request_body import RequestBody
from server.api.routes import Handler, HttpRequest, HttpResponse, HttpStream, Protocol, Routes, answer
from server.api.scoring import Scoring
from server.api.v2 import V2
from server.errors import BadData, NotReady, ServerError
from server.protocol.json_body import nowhere
from server.protocol.json_codec import bare, decode, dumps, encode, places, status
from server.protocol.meta import HEADER, meta, puid
from server.shared_state import SharedState
from server.telemetry.call_record import CallRecord, Payload, identify, identify_feedback
from server.telemetry.log_lines import log_error

log = logging.getLogger(__name__)

_FEEDBACK = ("request", "response", "reward", "truth")
EVENT_STREAM = "text/event-stream; charset=utf-8"
# No proxy may cache the events or buffer them (nginx buffers unless a header forbids it).
EVENT_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
_DONE = b"data: [DONE]\n\n"
# A page that shows /seldon.json and lets people try it; it asks no other address.
_DOC = Path(__file__).with_name("doc.html")
# What the body of a request is that does not say it.
JSON = "application/json"
# The longest answer in parts that is kept whole for a log of payloads.
KEPT_BYTES = 1 << 20


def feedback(message: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answer's payload, which is empty, and its meta: no more than the request's puid.

    Raises:
        BadData: it is not a Feedback message, or its request's meta is not a Meta.
    """
    if not isinstance(message, dict):
        raise BadData(f"the body is {json.dumps(message)[:60]}: it must be a JSON object")
    unknown = sorted(set(message) - set(_FEEDBACK))
    if unknown:
        raise BadData(f"the body has {', '.join(unknown)}: a feedback message has {', '.join(_FEEDBACK)}")
    reward = message.get("reward", 0)
    if type(reward) not in (int, float):
        raise BadData(f"reward is {json.dumps(reward)[:60]}: it must be a number")
    for field in ("request", "response", "truth"):
        if not isinstance(message.get(field, {}), dict):
            raise BadData(f"{field} is {json.dumps(message[field])[:60]}: it must be a JSON object")
    request = message.get("request", {})
    given = meta(request.get("meta"))
    data = request.get("data")
    empty: dict[str, Any] = {"tensor": {"shape": [0]}}
    if isinstance(data, dict) and "tensor" not in data:
        empty = {"ndarray": []}
    puid = given.get("puid")
    return {"data": empty}, {"puid": puid} if puid else {}


async def server_sent_events(parts: AsyncGenerator[Any, None]) -> AsyncGenerator[bytes, None]:
    """Yield one event per part, then [DONE]. An error before the first part is raised."""
    begun = False
    async with aclosing(parts):
        try:
            async for part in parts:
                yield b"data: %b\n\n" % dumps(part)
                begun = True
        except Exception as error:
            if not begun:
                raise
            yield _error_event(error)
    yield _DONE


def _error_event(error: Exception) -> bytes:
    """Return the event ``error``; log it unless the client is at fault."""
    if not isinstance(error, ServerError):
        log.exception("a part of an answer cannot be sent")
        error = ServerError(f"{type(error).__name__}: {error}")
    elif not isinstance(error, NotReady):
        log_error(log, error)
    return b"event: error\ndata: %b\n\n" % dumps({"error": str(error), "status": status(error)})


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
            body = RequestBody(http)
            with self._budget.reserved(body.cost) as more:
                request = decode(body.message(places, more))
                given = identify(puid(request.meta, http.headers.get(HEADER)))
                answer, meta = await self._node.answer(role, request)
                headers = {HEADER: given}
                return HttpResponse(200, encode(request, answer, meta), headers=headers)

        return call

    async def _stream(self, http: HttpRequest) -> HttpStream:
        self._node.client.admit()
        # Until the model has the request: it answers in parts for as long as it likes.
        body = RequestBody(http)
        with self._budget.reserved(body.cost) as more:
            request = bare(body.message(places, more))
            given = identify(puid(request.meta, http.headers.get(HEADER)))
            rest = server_sent_events(self._node.stream(request))
            # What goes wrong before the model has made a part of its answer has a status of its own.
            first = await anext(rest)
        headers = {HEADER: given, **EVENT_HEADERS}
        return HttpStream(200, first, rest, EVENT_STREAM, headers)

    def _not_this_node(self, kind: str) -> Handler:
        async def refuse(http: HttpRequest) -> HttpResponse:
            raise BadData(f"{http.path}: this node is a {self._node.settings.service_type}, not {kind}")

        return refuse

    async def _feedback(self, http: HttpRequest) -> HttpResponse:
        body = RequestBody(http)
        with self._budget.reserved(body.cost) as more:
            empty, given = feedback(body.message(nowhere, more))
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
        found = _page()
        return HttpResponse(200, found.body, CONTENT_TYPE, found.headers)


@cache
def _page() -> Page:
    """Return the node's page, which is put together when it is first asked for."""
    return page(_DOC, [FORM, _DOC.with_suffix(".js")])


def _both(handler: Handler) -> dict[str, Handler]:
    return {"GET": handler, "POST": handler}
