"""The generic handler of grpc.aio: reads a call's message, answers it, and maps errors to statuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from server.api.grpc_services import Unary
from server.errors import NotReady, Overloaded, ServerError
from server.model.client import ENDS
from server.transport.grpc.reading import Reading

# A status travels in a header, where a byte takes up to three and the common limit is 8192.
LONGEST_DETAILS = 2000
# When a client whose retry policy covers the status may try again, in milliseconds (server pushback, gRFC A6).
PUSHBACK = "grpc-retry-pushback-ms"

Context = grpc.aio.ServicerContext[bytes, bytes]

log = logging.getLogger(__name__)


class CallHandler(grpc.GenericRpcHandler):
    """Answers calls by ``methods``.

    Args:
        methods: by path.
        reading: reads their messages.
        most: how many calls may be in progress.
    """

    def __init__(self, methods: Mapping[str, Unary], reading: Reading, most: int) -> None:
        self._handlers = {path: self._handler(unary) for path, unary in methods.items()}
        self._reading = reading
        self._most = most
        self._under_way = 0
        self._come = 0
        self._refuses = False
        self._idle = asyncio.Event()
        self._idle.set()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return what answers a call, or None where there is no such method."""
        return self._handlers.get(details.method)

    async def quiet(self, seconds: float, most: float) -> None:
        """Wait until no call has come for so many seconds, but no longer than ``most``."""
        loop = asyncio.get_running_loop()
        end, before = loop.time() + most, -1
        while self._come != before and loop.time() < end:
            before = self._come
            await asyncio.sleep(min(seconds, max(0, end - loop.time())))

    def refuse(self) -> None:
        """Refuse what comes from now on, so that clients send it to another server."""
        self._refuses = True

    async def idle(self) -> None:
        """Wait until no call is in progress."""
        await self._idle.wait()

    def _handler(self, unary: Unary) -> grpc.RpcMethodHandler[Any, Any]:
        async def answer(_: AsyncIterator[bytes], context: Context) -> bytes:
            self._come += 1
            self._under_way += 1
            self._idle.clear()
            try:
                return await self._answer(unary, context)
            except ServerError as error:
                refused = error
            except Exception as error:
                log.exception("a call of gRPC cannot be answered")
                refused = ServerError(f"{type(error).__name__}: {error}")
            finally:
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()
            return await _fail(context, refused)

        # As a stream of requests: its first message is read on demand.
        return grpc.stream_unary_rpc_method_handler(answer)

    async def _answer(self, unary: Unary, context: Context) -> bytes:
        if self._refuses:
            raise NotReady(ENDS)
        if self._under_way > self._most:
            raise Overloaded(
                f"{self._most} calls are under way: no more may; send the request again later, or raise "
                "SERVER_GRPC_MAX_CALLS"
            )
        body = await self._reading.read(context)
        metadata = {
            name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)
        }
        reply = await unary(body, metadata)
        if reply.metadata:
            await context.send_initial_metadata(reply.metadata)
        return reply.message


async def _fail(context: Context, error: ServerError) -> bytes:
    """End a call with an error's status; log it unless the client is at fault."""
    if error.is_fault:
        log.error("%s: %s", error.reason, error)
    details = str(error).encode()[:LONGEST_DETAILS].decode(errors="ignore")
    trailing = ((PUSHBACK, str(1000 * error.retry_seconds)),) if isinstance(error, NotReady) else ()
    # A trailers-only response, so that a client may retry the call (gRFC A6).
    return await context.abort(grpc.StatusCode[error.grpc], details, trailing)
