"""HTTP requests and responses, and the routes between them: a path and method to its handler, no sockets, no parser.

A path that is not there is answered by 404, a method by 405, with those that exist.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from server.errors import MethodNotAllowed, NoSuchPath, NotReady, ServerError
from server.protocol.json_codec import failure
from server.protocol.meta import HEADER, puid
from server.telemetry.call_record import current
from server.telemetry.log_lines import log_error

log = logging.getLogger(__name__)

_NONE: Mapping[str, str] = MappingProxyType({})


class HttpRequest(NamedTuple):
    """A request whose body has been read, from the address ``client``.

    The ``headers``' names are in lower case; ``query`` is not decoded.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = _NONE
    body: bytes = b""
    version: str = "1.1"
    client: str = ""


class HttpResponse(NamedTuple):
    """A response. ``headers`` are what goes beside the date, the content's type and length, and the connection."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = _NONE


class HttpStream(NamedTuple):
    """A response whose body comes in parts: ``first``, and what ``rest``, which has been started, yields.

    The transport takes the next part when the client has read those before it (back-pressure), and closes ``rest`` at
    the end or when the client disconnects.
    """

    status: int
    first: bytes
    rest: AsyncGenerator[bytes, None]
    content_type: str
    headers: Mapping[str, str] = _NONE


Handler = Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
# By the HTTP method.
Methods = Mapping[str, Handler]
# By path and method.
Routes = Mapping[str, Methods]


class Protocol:
    """What is answered below some paths, and how an error is told there.

    Args:
        routes: by path.
        failure: the body of an error.
        others: the paths of other protocols that a caller of a wrong path may mean.
    """

    def __init__(
        self,
        routes: Routes,
        failure: Callable[[ServerError], bytes] = failure,
        others: Iterable[str] = (),
    ) -> None:
        self.failure = failure
        self._routes = routes
        self._others = tuple(others)

    def find(self, path: str) -> tuple[str, Methods]:
        """Return the pattern that a path follows and what answers it, "" and nothing where there is no such path."""
        methods = self._routes.get(path)
        return ("", {}) if methods is None else (path, methods)

    @property
    def known(self) -> list[str]:
        """The paths that there are."""
        return [*sorted(self._routes), *self._others]


async def answer(protocol: Protocol, methods: Methods, request: HttpRequest) -> HttpResponse | HttpStream:
    """Return the response to a request; it never raises. HEAD is answered as GET."""
    try:
        return await _handler(protocol, methods, request)(request)
    except ServerError as error:
        return failed(error, protocol.failure)
    except Exception as error:
        log.exception("%s %s cannot be answered", request.method, request.path)
        return failed(ServerError(f"{type(error).__name__}: {error}"), protocol.failure)


def failed(error: ServerError, body: Callable[[ServerError], bytes] = failure) -> HttpResponse:
    """Return an error's response; log it unless the client is at fault."""
    record = current()
    headers = {"allow": ", ".join(error.allowed)} if isinstance(error, MethodNotAllowed) else {}
    if record is not None:
        record.error = error
        # By it the client's report leads to the lines of the log.
        record.puid = headers[HEADER] = puid({"puid": record.puid}, None)
    if error.is_fault:
        log_error(log, error)
    if isinstance(error, NotReady):
        headers["retry-after"] = str(error.retry_seconds)
    return HttpResponse(error.status, body(error), headers=headers)


def _handler(protocol: Protocol, methods: Methods, request: HttpRequest) -> Handler:
    if not methods:
        known = ", ".join(protocol.known)
        raise NoSuchPath(f"{request.path}: there is no such path; the server has {known}")
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        answers = " and ".join(sorted(methods))
        raise MethodNotAllowed(
            f"{request.method} {request.path}: this path answers to {answers}", sorted(methods)
        )
    return handler
