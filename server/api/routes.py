"""Routing: a path and method to its handler, or 404 and 405 with those that exist."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from server.api.http import HttpRequest, HttpResponse, HttpStream
from server.errors import MethodNotAllowed, NoSuchPath, NotReady, ServerError
from server.protocol.encode import failure

Handler = Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
# By path and method.
Routes = Mapping[str, Mapping[str, Handler]]

log = logging.getLogger(__name__)


async def answer(routes: Routes, request: HttpRequest) -> HttpResponse | HttpStream:
    """Return the response to a request; it never raises. HEAD is answered as GET."""
    try:
        return await _handler(routes, request)(request)
    except ServerError as error:
        return failed(error)
    except Exception as error:
        log.exception("%s %s cannot be answered", request.method, request.path)
        return failed(ServerError(f"{type(error).__name__}: {error}"))


def failed(error: ServerError) -> HttpResponse:
    """Return an error's response; log it unless the client is at fault."""
    if error.is_fault:
        log.error("%s: %s", error.reason, error)
    headers = {"allow": ", ".join(error.allowed)} if isinstance(error, MethodNotAllowed) else {}
    if isinstance(error, NotReady):
        headers["retry-after"] = str(error.retry_seconds)
    return HttpResponse(error.status, failure(error), headers=headers)


def _handler(routes: Routes, request: HttpRequest) -> Handler:
    methods = routes.get(request.path)
    if methods is None:
        known = ", ".join(sorted(routes))
        raise NoSuchPath(f"{request.path}: there is no such path; the server has {known}")
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        answers = " and ".join(sorted(methods))
        raise MethodNotAllowed(
            f"{request.method} {request.path}: this path answers to {answers}", sorted(methods)
        )
    return handler
