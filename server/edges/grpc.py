"""What a gRPC call means: the bytes of a message to those of another or to a status, whatever server carries them.

Services: those of the stock wrapper (wrapper.py of seldon-core 1.17.1).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

import grpc
import numpy as np
from grpc.aio import ServicerContext

from server.errors import BodyTooLarge, NoSuchPath, NotReady, ServerError
from server.node import Node, Role
from server.protocol.message import Answer
from server.protocol.proto.decode import decode, decode_feedback
from server.protocol.proto.encode import encode, encode_metadata
from server.protocol.proto.prediction_pb2 import DESCRIPTOR
from server.protocol.puid import HEADER, puid

# A status travels in the trailing headers, where a byte takes up to three and the common limit is 8192.
LONGEST_DETAILS = 2000
# When a client whose retry policy covers the status may try again, in milliseconds (server pushback, gRFC A6).
PUSHBACK = "grpc-retry-pushback-ms"

Context = ServicerContext[bytes, bytes]
Handler = Callable[[bytes, Context], Awaitable[bytes]]

log = logging.getLogger(__name__)


class Grpc:
    """The gRPC interface of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        predict = self._calls(Role.PREDICT)
        transform_input = self._calls(Role.TRANSFORM_INPUT)
        transform_output = self._calls(Role.TRANSFORM_OUTPUT)
        route = self._not_this_node("a ROUTER")
        aggregate = self._not_this_node("a COMBINER")
        feedback = self._feedback
        self._services: dict[str, dict[str, Handler]] = {
            "Generic": {
                "TransformInput": transform_input,
                "TransformOutput": transform_output,
                "Route": route,
                "Aggregate": aggregate,
                "SendFeedback": feedback,
            },
            "Model": {"Predict": predict, "SendFeedback": feedback, "Metadata": self._metadata},
            "Router": {"Route": route, "SendFeedback": feedback},
            "Transformer": {"TransformInput": transform_input},
            "OutputTransformer": {"TransformOutput": transform_output},
            "Combiner": {"Aggregate": aggregate},
            "Seldon": {
                "Predict": self._calls(node.role),
                "SendFeedback": feedback,
                "ModelMetadata": self._metadata,
                "GraphMetadata": self._graph_metadata,
            },
        }

    @property
    def services(self) -> list[str]:
        """The full names of the services."""
        return [f"{DESCRIPTOR.package}.{service}" for service in self._services]

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Return the handlers of the services' methods; they take and return bytes."""
        return [
            grpc.method_handlers_generic_handler(
                service,
                {
                    method: grpc.unary_unary_rpc_method_handler(
                        self._reported(f"{service}/{method}", handler)
                    )
                    for method, handler in methods.items()
                },
            )
            for service, methods in zip(self.services, self._services.values(), strict=True)
        ]

    def _calls(self, role: Role) -> Handler:
        async def call(body: bytes, context: Context) -> bytes:
            self._node.channels.admit()
            request = decode(body)
            answer, meta = await self._node.answer(role, request)
            reply = encode(request, answer, meta)
            given = dict(context.invocation_metadata() or ())
            await context.send_initial_metadata(((HEADER, puid(request.meta, given.get(HEADER))),))
            return reply

        return call

    def _not_this_node(self, kind: str) -> Handler:
        async def refuse(_: bytes, __: Context) -> bytes:
            raise NoSuchPath(f"this node is a {self._node.settings.service_type}, not {kind}")

        return refuse

    async def _feedback(self, body: bytes, _: Context) -> bytes:
        request = decode_feedback(body)
        return encode(request, Answer(np.empty(0)), self._node.meta(request.meta))

    async def _metadata(self, _: bytes, __: Context) -> bytes:
        return encode_metadata(await self._node.metadata())

    async def _graph_metadata(self, _: bytes, __: Context) -> bytes:
        raise NoSuchPath(
            "a node does not know its graph: ask the orchestrator, or ModelMetadata for the model"
        )

    def _reported(self, method: str, handler: Handler) -> Handler:
        """Return the handler with what it raises turned into a status."""

        async def answer(body: bytes, context: Context) -> bytes:
            try:
                return self._limited(await handler(body, context))
            except ServerError as error:
                return await _fail(context, error)
            except Exception as error:
                log.exception("%s cannot be answered", method)
                return await _fail(context, ServerError(f"{type(error).__name__}: {error}"))

        return answer

    def _limited(self, reply: bytes) -> bytes:
        limit = self._node.settings.grpc_max_message_bytes
        if len(reply) > limit:
            raise BodyTooLarge(
                f"the answer has {len(reply)} bytes: the limit is {limit}; send fewer rows at a time, "
                "or raise SERVER_GRPC_MAX_MESSAGE_BYTES"
            )
        return reply


async def _fail(context: Context, error: ServerError) -> NoReturn:
    """End a call with an error's status, and log what is not the client's doing."""
    if error.status >= 500 and not isinstance(error, NotReady):
        log.error("%s: %s", error.reason, error)
    details = str(error).encode()[:LONGEST_DETAILS].decode(errors="ignore")
    trailers = ((PUSHBACK, str(1000 * error.retry_seconds)),) if isinstance(error, NotReady) else ()
    await context.abort(grpc.StatusCode[error.grpc], details, trailers)
