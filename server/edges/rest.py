"""What a REST request means: (method, path, body) to (status, headers, body), whatever HTTP layer carries it.

Paths: https://docs.seldon.io/projects/seldon-core/en/v1.17.1/graph/protocols.html
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from server.errors import MethodNotAllowed, NoSuchPath, NotReady, ServerError
from server.node import Node, Role
from server.protocol.decode import decode
from server.protocol.encode import dumps, encode, failure, payload
from server.protocol.message import Answer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Response:
    """An HTTP response. ``headers`` are what goes beside the content type and length."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[bytes], Awaitable[Response]]


class Rest:
    """The REST interface of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        post: dict[str, Handler] = {"POST": self._predictions}
        self._routes: dict[str, dict[str, Handler]] = {
            "/predict": {"POST": self._calls(Role.PREDICT)},
            "/transform-input": {"POST": self._calls(Role.TRANSFORM_INPUT)},
            "/transform-output": {"POST": self._calls(Role.TRANSFORM_OUTPUT)},
            "/api/v1.0/predictions": post,
            "/api/v0.1/predictions": post,
            "/health/ping": {"GET": self._ping},
            "/health/status": {"GET": self._status},
            "/api/v1.0/health/status": {"GET": self._status},
        }

    async def respond(self, method: str, path: str, body: bytes) -> Response:
        """Return the response to a request whose body has been read."""
        try:
            return await self._handler(method, path)(body)
        except ServerError as error:
            return failed(error)
        except Exception as error:
            log.exception("%s %s cannot be answered", method, path)
            return failed(ServerError(f"{type(error).__name__}: {error}"))

    def _handler(self, method: str, path: str) -> Handler:
        methods = self._routes.get(path)
        if methods is None:
            raise NoSuchPath(
                f"{path}: there is no such path; the server has {', '.join(sorted(self._routes))}"
            )
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            raise MethodNotAllowed(f"{method} {path}: this path answers to {' and '.join(sorted(methods))}")
        return handler

    def _calls(self, role: Role) -> Handler:
        async def call(body: bytes) -> Response:
            request = decode(body)
            answer, meta = await self._node.answer(role, request)
            return Response(200, encode(request, answer, meta))

        return call

    async def _predictions(self, body: bytes) -> Response:
        return await self._calls(self._node.role)(body)

    async def _ping(self, _: bytes) -> Response:
        return Response(200, b"pong", "text/plain; charset=utf-8")

    async def _status(self, _: bytes) -> Response:
        if not self._node.process.ready:
            raise NotReady("the model is not loaded")
        empty = payload("tensor", Answer(np.empty(0), []))
        return Response(200, dumps({**empty, "meta": self._node.meta()}))


def failed(error: ServerError) -> Response:
    """Return the response that tells of an error, and log what is not the client's doing."""
    if error.status >= 500 and not isinstance(error, NotReady):
        log.error("%s: %s", error.reason, error)
    return Response(error.status, failure(error))
