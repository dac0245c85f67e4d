"""What a REST request means: a request to a response, whatever HTTP layer carries them.

Paths: those of the stock wrapper (wrapper.py of seldon-core 1.17.1).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from server.budget import Budget
from server.edges import events
from server.edges.forms import cost, message
from server.edges.http import HttpRequest, HttpResponse, HttpStream
from server.errors import BadData, MethodNotAllowed, NoSuchPath, NotReady, ServerError
from server.node import Node, Role
from server.protocol.decode import bare, decode
from server.protocol.encode import dumps, encode, failure
from server.protocol.feedback import feedback
from server.protocol.puid import HEADER, puid

# A page that shows /seldon.json and lets people try it; it asks no other address.
DOC = Path(__file__).with_name("doc.html")
Handler = Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]

log = logging.getLogger(__name__)


class Rest:
    """The REST interface of a node, whose requests take from a budget while they are answered."""

    def __init__(self, node: Node, budget: Budget) -> None:
        self._node = node
        self._budget = budget
        role = self._calls(node.role)
        self._routes: dict[str, dict[str, Handler]] = {
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
            "/health/ping": {"GET": self._ping},
            "/health/status": {"GET": self._status},
            "/api/v1.0/health/status": {"GET": self._status},
            "/metadata": {"GET": self._metadata},
            "/api/v1.0/metadata": {"GET": self._metadata},
            "/seldon.json": {"GET": self._openapi},
            "/api/v1.0/doc": {"GET": self._to_doc},
            "/api/v1.0/doc/": {"GET": self._doc},
        }

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request; it never raises."""
        try:
            return await self._handler(request)(request)
        except ServerError as error:
            return failed(error)
        except Exception as error:
            log.exception("%s %s cannot be answered", request.method, request.path)
            return failed(ServerError(f"{type(error).__name__}: {error}"))

    def _handler(self, request: HttpRequest) -> Handler:
        methods = self._routes.get(request.path)
        if methods is None:
            known = ", ".join(sorted(self._routes))
            raise NoSuchPath(f"{request.path}: there is no such path; the server has {known}")
        handler = methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            answers = " and ".join(sorted(methods))
            raise MethodNotAllowed(
                f"{request.method} {request.path}: this path answers to {answers}", sorted(methods)
            )
        return handler

    def _calls(self, role: Role) -> Handler:
        async def call(http: HttpRequest) -> HttpResponse:
            self._node.channels.admit()  # Before the request is parsed, which takes longer than to refuse it.
            with self._budget.taking(cost(http)):
                request = decode(message(http))
                answer, meta = await self._node.answer(role, request)
                headers = {HEADER: puid(request.meta, http.headers.get(HEADER))}
                return HttpResponse(200, encode(request, answer, meta), headers=headers)

        return call

    async def _stream(self, http: HttpRequest) -> HttpStream:
        self._node.channels.admit()
        # Until the model has the request: it answers in parts for as long as it likes.
        with self._budget.taking(cost(http)):
            request = bare(message(http))
            rest = events.events(self._node.stream(request))
            # What goes wrong before the model has made a part of its answer has a status of its own.
            first = await anext(rest)
        headers = {HEADER: puid(request.meta, http.headers.get(HEADER)), **events.HEADERS}
        return HttpStream(200, first, rest, events.CONTENT_TYPE, headers)

    def _not_this_node(self, kind: str) -> Handler:
        async def refuse(http: HttpRequest) -> HttpResponse:
            raise BadData(f"{http.path}: this node is a {self._node.settings.service_type}, not {kind}")

        return refuse

    async def _feedback(self, http: HttpRequest) -> HttpResponse:
        with self._budget.taking(cost(http)):
            empty, given = feedback(message(http))
        return HttpResponse(200, dumps({**empty, "meta": self._node.meta(given)}))

    async def _ping(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, b"pong", "text/html; charset=utf-8")

    async def _status(self, _: HttpRequest) -> HttpResponse:
        if not self._node.channels.ready:
            why = self._node.channels.why
            raise NotReady(f"the model is not loaded: {why}" if why else "the model is not loaded")
        return HttpResponse(200, dumps({"strData": "healthy", "meta": self._node.meta()}))

    async def _metadata(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps(await self._node.metadata()))

    async def _openapi(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps(await self._node.openapi()))

    async def _to_doc(self, _: HttpRequest) -> HttpResponse:
        # Relative, so that a gateway's prefix stays in place.
        return HttpResponse(308, b"", headers={"location": "doc/"})

    async def _doc(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, DOC.read_bytes(), "text/html; charset=utf-8")


def failed(error: ServerError) -> HttpResponse:
    """Return the response that tells of an error, and log what is not the client's doing."""
    if error.status >= 500 and not isinstance(error, NotReady):
        log.error("%s: %s", error.reason, error)
    headers = {"allow": ", ".join(error.allowed)} if isinstance(error, MethodNotAllowed) else {}
    if isinstance(error, NotReady):
        headers["retry-after"] = str(error.retry_seconds)
    return HttpResponse(error.status, failure(error), headers=headers)


def _both(handler: Handler) -> dict[str, Handler]:
    return {"GET": handler, "POST": handler}
