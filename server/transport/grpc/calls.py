"""The generic handler of grpc.aio: reads a call's message, answers it, and maps errors to statuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc

from server.api.grpc_services import Unary
from server.errors import NoSuchPath, NotReady, Overloaded, ServerError
from server.model.client import ENDS
from server.protocol.meta import HEADER, puid
from server.telemetry.call_record import CallRecord, Payload, Telemetry
from server.telemetry.log_lines import log_error
from server.transport.grpc.message_reader import MessageReader

# A status travels in a header, where a byte takes up to three and the common limit is 8192.
LONGEST_DETAILS = 2000
# When a client whose retry policy covers the status may try again, in milliseconds (server pushback, gRFC A6).
PUSHBACK = "grpc-retry-pushback-ms"
# The content type of a message, as Seldon's orchestrator has it.
PROTOBUF = "application/protobuf"

Context = grpc.aio.ServicerContext[bytes, bytes]

log = logging.getLogger(__name__)


class CallHandler(grpc.GenericRpcHandler):
    """Answers calls by ``methods``.

    Args:
        methods: by path.
        reading: reads their messages.
        most: how many calls may be in progress.
        telemetry: is told of them.
    """

    def __init__(
        self,
        methods: Mapping[str, Unary],
        reader: MessageReader,
        most: int,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._handlers = {path: self._handler(path, unary) for path, unary in methods.items()}
        self._telemetry = telemetry or Telemetry()
        self._reading = reader
        self._most = most
        self._under_way = 0
        self._come = 0
        self._refuses = False
        self._idle = asyncio.Event()
        self._idle.set()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return what answers a call, or None where there is no such method."""
        found = self._handlers.get(details.method)
        if found is None:  # The library asks here last, and answers with UNIMPLEMENTED.
            self._telemetry.refuse("grpc", NoSuchPath("there is no such method"))
        return found

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

    def _handler(self, path: str, unary: Unary) -> grpc.RpcMethodHandler[Any, Any]:
        async def answer(_: AsyncIterator[bytes], context: Context) -> bytes:
            self._come += 1
            self._under_way += 1
            self._idle.clear()
            metadata = {
                name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)
            }
            record = self._telemetry.begin("grpc", path, context.peer(), metadata, path=path)
            record.puid = metadata.get(HEADER, "")
            try:
                return await self._answer(unary, context, metadata, record)
            except ServerError as error:
                refused = record.error = error
                record.code = error.grpc
            except Exception as error:
                log.exception("a call of gRPC cannot be answered")
                refused = record.error = ServerError(f"{type(error).__name__}: {error}")
                record.code = refused.grpc
            finally:
                record.puid = puid({"puid": record.puid}, None)
                self._telemetry.end(record)
                self._under_way -= 1
                if not self._under_way:
                    self._idle.set()
            return await _fail(context, refused, record)

        # As a stream of requests: its first message is read on demand.
        return grpc.stream_unary_rpc_method_handler(answer)

    async def _answer(
        self, unary: Unary, context: Context, metadata: Mapping[str, str], record: CallRecord
    ) -> bytes:
        if self._refuses:
            raise NotReady(ENDS)
        if self._under_way > self._most:
            raise Overloaded(
                f"{self._most} calls are under way: no more may; send the request again later, or raise "
                "SERVER_GRPC_MAX_CALLS"
            )
        body = await self._reading.read(context)
        record.request_bytes = len(body)
        keeps = self._telemetry.keeps_payloads
        if keeps:
            record.request = Payload(body, PROTOBUF)
        reply = await unary(body, metadata)
        if keeps:
            record.response = Payload(reply.message, PROTOBUF)
        if reply.metadata:
            await context.send_initial_metadata(reply.metadata)
        record.code, record.response_bytes = "OK", len(reply.message)
        return reply.message


async def _fail(context: Context, error: ServerError, record: CallRecord) -> bytes:
    """End a call with an error's status and the prediction's id; log it unless the client is at fault."""
    if error.is_fault:
        log_error(log, error)
    details = str(error).encode()[:LONGEST_DETAILS].decode(errors="ignore")
    trailing = [(HEADER, record.puid)]
    if isinstance(error, NotReady):
        trailing.append((PUSHBACK, str(1000 * error.retry_seconds)))
    # A trailers-only response, so that a client may retry the call (gRFC A6).
    return await context.abort(grpc.StatusCode[error.grpc], details, tuple(trailing))
