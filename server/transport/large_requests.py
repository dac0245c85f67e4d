"""Large requests, forwarded to a process of their own, so that parsing them blocks no event loop that others need.

Parsing JSON holds the GIL from the first byte to the last: a thread would block the others as well.
The processes speak by frames (server.model.frame_protocol):

    to it:   {"id", "method", "path", "query", "headers", "version"} and the body
             {"more": id} for one more part of a streamed response, {"cancel": id} when the client has left
    from it: {"id", "status", "type", "headers", "stream"} and the body, or its first part
             {"id", "part"} and a part, true, or nothing at the end, false
"""

from __future__ import annotations

import asyncio
import gc
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

from server.api.routes import HttpRequest, HttpResponse, HttpStream, failed
from server.errors import NotReady, ServerError
from server.model.frame_protocol import FrameProtocol
from server.shared_state import ByteBudget
from server.transport.connections import Refused

Respond = Callable[[HttpRequest], Awaitable[HttpResponse | HttpStream]]
Frame = tuple[dict[str, Any], list[Any]]

# A body is in both processes, and twice while it is handed over.
COPIES = 3
ENDED = "the process that answers large requests has ended: send the request again"


class Forwarder(FrameProtocol):
    """The accepting process's side: answers small requests itself and forwards large ones.

    Args:
        respond: answers a request here.
        largest: the largest body that is answered here, in bytes.
        budget: reserved for bodies while they are forwarded.
        refused: is told of those that are not forwarded: the other process tells of those that are.
    """

    def __init__(
        self,
        respond: Respond,
        largest: int,
        budget: ByteBudget,
        refused: Refused = lambda error, client: None,
    ) -> None:
        super().__init__()
        self._refused = refused
        self._respond = respond
        self._largest_here = largest
        self._budget = budget
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Frame]] = {}

    async def respond(self, request: HttpRequest) -> HttpResponse | HttpStream:
        """Return the response to a request; it never raises."""
        if len(request.body) <= self._largest_here:
            return await self._respond(request)
        try:
            with self._budget.reserved(COPIES * len(request.body)):
                return await self._forwarded(request)
        except ServerError as error:
            self._refused(error, request.client)
            return failed(error)

    async def _forwarded(self, request: HttpRequest) -> HttpResponse | HttpStream:
        number = next(self._numbers)
        head = request._asdict()
        body = head.pop("body")
        try:
            header, (content,) = await self._ask(number, {"id": number, **head}, [body])
        except asyncio.CancelledError:
            self.send({"cancel": number}, [])
            raise
        status, kind, headers = header["status"], header["type"], header["headers"]
        if not header["stream"]:
            return HttpResponse(status, content, kind, headers)
        parts = self._parts(number, content)
        # It has begun, so that closing it has the other process end its own.
        return HttpStream(status, await anext(parts), parts, kind, headers)

    async def _parts(self, number: int, first: bytes) -> AsyncGenerator[bytes, None]:
        """Yield the parts of a streamed response, each after the first on demand."""
        over = False
        try:
            yield first
            while True:
                header, values = await self._ask(number, {"more": number}, [])
                if not header["part"]:
                    over = True
                    return
                yield values[0]
        finally:
            if not over:
                self.send({"cancel": number}, [])

    async def _ask(self, number: int, header: dict[str, Any], values: list[Any]) -> Frame:
        """Send a frame about a request, and return the next one about it."""
        if self._transport is None or self._transport.is_closing():
            raise NotReady(ENDED)
        reply: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        self.send(header, values)
        try:
            return await reply
        finally:
            self._waiting.pop(number, None)

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Resolve the future of a request, unless it was cancelled."""
        reply = self._waiting.get(header["id"])
        if reply is not None and not reply.done():
            reply.set_result((header, values))

    def broken(self, why: str) -> None:
        """Ignore a violation of the protocol: ``ended`` fails the pending requests."""

    def ended(self) -> None:
        """Fail the pending requests: the other process has ended."""
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(NotReady(ENDED))


class LargeRequestServer(FrameProtocol):
    """The answering process's side of one connection.

    Args:
        respond: answers a request.
    """

    def __init__(self, respond: Respond) -> None:
        super().__init__()
        self.over = asyncio.Event()
        self._respond = respond
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._streams: dict[int, AsyncGenerator[bytes, None]] = {}
        self._cancelling: set[asyncio.Task[None]] = set()

    def received(self, header: dict[str, Any], values: list[Any]) -> None:
        """Start a request or the next part of its response, or cancel it."""
        if "cancel" in header:
            self._cancel(header["cancel"])
        elif "more" in header:
            self._begin(header["more"], self._part(header["more"]))
        else:
            number = header.pop("id")
            header.pop("values")
            self._begin(number, self._answer(number, HttpRequest(**header, body=values[0])))

    def broken(self, why: str) -> None:
        """Ignore a violation of the protocol: the connection is closed."""

    def ended(self) -> None:
        """Cancel the requests of an accepting process that has ended."""
        for number in {*self._tasks, *self._streams}:
            self._cancel(number)
        self.over.set()

    def _cancel(self, number: int) -> None:
        task = asyncio.get_running_loop().create_task(self._cancelled(number))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancelled(self, number: int) -> None:
        """Cancel what a request has under way, then close the stream that it may have left."""
        if (task := self._tasks.get(number)) is not None:
            task.cancel()
            await asyncio.wait((task,))
        if (rest := self._streams.pop(number, None)) is not None:
            await rest.aclose()

    def _begin(self, number: int, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[number] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _answer(self, number: int, request: HttpRequest) -> None:
        response = await self._respond(request)
        reply = {"id": number, "status": response.status, "type": response.content_type}
        reply |= {"headers": dict(response.headers), "stream": isinstance(response, HttpStream)}
        if isinstance(response, HttpStream):
            self._streams[number] = response.rest
            self.send(reply, [response.first])
        else:
            self.send(reply, [response.body])
        del request, response
        gc.collect()

    async def _part(self, number: int) -> None:
        part = await anext(self._streams[number], None)
        if part is None:
            del self._streams[number]
        self.send({"id": number, "part": part is not None}, [] if part is None else [part])


async def answer(respond: Respond, socks: list[Any]) -> None:
    """Answer the accepting processes until all of them have ended.

    Garbage collection during the allocation of millions of values doubles its time: it is run after each request.
    """
    gc.disable()
    loop = asyncio.get_running_loop()
    ends = []
    for sock in socks:
        _, end = await loop.create_unix_connection(lambda: LargeRequestServer(respond), sock=sock)
        ends.append(end)
    for end in ends:
        await end.over.wait()
