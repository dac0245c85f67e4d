"""The gRPC services: request bytes to response bytes or an error, whatever server carries them.

Services: those of the stock wrapper (wrapper.py of seldon-core 1.17.1).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from server.api.grpc_v2 import SERVICE, GrpcV2
from server.api.node import Node, Role
from server.api.unary import PARSED, Reply, Unary
from server.api.v2 import V2
from server.byte_budget import ByteBudget
from server.errors import BodyTooLarge, NoSuchPath
from server.protocol.meta import HEADER, puid
from server.protocol.proto.codec import decode, decode_feedback, encode, encode_metadata
from server.protocol.proto.prediction_pb2 import DESCRIPTOR
from server.schema.request import Answer
from server.telemetry.call_record import identify, identify_feedback


class GrpcServices:
    """The services of a node. A call reserves from the byte budget while it is answered.

    Args:
        node: the node.
        budget: what they take from.
        message_bytes: the largest answer.
    """

    def __init__(self, node: Node, budget: ByteBudget, message_bytes: int) -> None:
        self._node = node
        self._budget = budget
        self._message_bytes = message_bytes
        predict = self._calls(Role.PREDICT)
        transform_input = self._calls(Role.TRANSFORM_INPUT)
        transform_output = self._calls(Role.TRANSFORM_OUTPUT)
        route = self._not_this_node("a ROUTER")
        aggregate = self._not_this_node("a COMBINER")
        feedback = self._feedback
        services: dict[str, dict[str, Unary]] = {
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
        self.names = [*(f"{DESCRIPTOR.package}.{service}" for service in services), SERVICE]
        all_methods = {
            f"/{DESCRIPTOR.package}.{service}/{name}": unary
            for service, methods in services.items()
            for name, unary in methods.items()
        }
        all_methods |= GrpcV2(V2(node, budget), budget).methods
        self.methods = {path: self._limited(unary) for path, unary in all_methods.items()}

    def _calls(self, role: Role) -> Unary:
        async def call(body: bytes, metadata: Mapping[str, str]) -> Reply:
            self._node.client.admit()  # Before the request is parsed, which takes longer than to refuse it.
            with self._budget.reserved(PARSED * len(body)):
                request = decode(body)
                given = identify(puid(request.meta, metadata.get(HEADER)))
                answer, meta = await self._node.answer(role, request)
                return Reply(encode(request, answer, meta), ((HEADER, given),))

        return call

    def _not_this_node(self, kind: str) -> Unary:
        async def refuse(_: bytes, __: Mapping[str, str]) -> Reply:
            raise NoSuchPath(f"this node is a {self._node.settings.service_type}, not {kind}")

        return refuse

    async def _feedback(self, body: bytes, metadata: Mapping[str, str]) -> Reply:
        with self._budget.reserved(PARSED * len(body)):
            request = decode_feedback(body)
        identify_feedback(puid(request.meta, metadata.get(HEADER)))
        return Reply(encode(request, Answer(np.empty(0)), self._node.meta(request.meta)))

    async def _metadata(self, _: bytes, __: Mapping[str, str]) -> Reply:
        return Reply(encode_metadata(await self._node.metadata()))

    async def _graph_metadata(self, _: bytes, __: Mapping[str, str]) -> Reply:
        raise NoSuchPath(
            "a node does not know its graph: ask the orchestrator, or ModelMetadata for the model"
        )

    def _limited(self, unary: Unary) -> Unary:
        limit = self._message_bytes

        async def call(body: bytes, metadata: Mapping[str, str]) -> Reply:
            reply = await unary(body, metadata)
            if len(reply.message) > limit:
                raise BodyTooLarge(
                    f"the answer has {len(reply.message)} bytes: the limit is {limit}; send fewer rows at a time, "
                    "or raise SERVER_GRPC_MAX_MESSAGE_BYTES"
                )
            return reply

        return call
