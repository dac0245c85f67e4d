"""The REST interface as an ASGI application: reads bodies within the limit, writes responses while there is a client.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from server.edges.http import HttpRequest, HttpResponse
from server.edges.rest import Rest, failed
from server.errors import BodyTooLarge

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Application:
    """An ASGI application over a Rest interface. Bodies over ``limit`` bytes are answered with 413."""

    def __init__(self, rest: Rest, limit: int) -> None:
        self._rest = rest
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError(f"an HTTP request was expected, not {scope['type']}")
        try:
            body = await self._body(scope, receive)
        except BodyTooLarge as error:
            await self._send(scope, send, failed(error))
            return
        if body is not None:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            query = scope["query_string"].decode("latin-1")
            request = HttpRequest(scope["method"], scope["path"], query, headers, body)
            response = await self._respond(request, receive)
            if response is not None:
                await self._send(scope, send, response)

    async def _respond(self, request: HttpRequest, receive: Receive) -> HttpResponse | None:
        """Return the response, or None when the client goes away before it is there, and stop working on it."""
        responding = asyncio.current_task()
        if responding is None:
            raise RuntimeError("a request is answered in a task")

        def leave(_: asyncio.Task[dict[str, Any]]) -> None:
            responding.cancel()

        # After the body, the next event is that the client is gone.
        leaving = asyncio.ensure_future(receive())
        leaving.add_done_callback(leave)
        try:
            return await self._rest.respond(request)
        except asyncio.CancelledError:
            if leaving.done() and responding.uncancel() == 0:
                return None
            raise
        finally:
            leaving.remove_done_callback(leave)
            leaving.cancel()

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the request's body, or None when the client went away before its end."""
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if length.isdigit() and int(length) > self._limit:
            raise self._too_large(f"{int(length)} bytes")
        parts: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return None
            part = event.get("body", b"")
            size += len(part)
            if size > self._limit:
                raise self._too_large(f"more than {self._limit} bytes")
            parts.append(part)
            if not event.get("more_body", False):
                return b"".join(parts)

    def _too_large(self, size: str) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body has {size}: the limit is {self._limit}; send fewer rows at a time, "
            "or raise SERVER_MAX_BODY_BYTES"
        )

    @staticmethod
    async def _send(scope: Scope, send: Send, response: HttpResponse) -> None:
        headers = [
            (b"content-type", response.content_type.encode()),
            (b"content-length", str(len(response.body)).encode()),
            *((name.encode(), value.encode()) for name, value in response.headers.items()),
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body}
        )
