"""The gRPC services of Seldon and the Open Inference Protocol: request bytes to response bytes or an error, no sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError, Message

from server.api.node import Node, Role
from server.api.v2 import V2
from server.errors import BadData, BodyTooLarge, NoSuchPath
from server.protocol.meta import HEADER, puid
from server.protocol.proto.codec import decode, decode_feedback, encode, encode_metadata
from server.protocol.proto.prediction_pb2 import DESCRIPTOR
from server.protocol.v2 import inference_pb2 as messages
from server.protocol.v2 import proto_codec
from server.protocol.v2.inference import outputs
from server.schema.request import Answer
from server.shared_state import ByteBudget
from server.telemetry.call_record import identify, identify_feedback

SERVICE = "inference.GRPCInferenceService"


class Reply(NamedTuple):
    """The message that answers a call, and the metadata that goes before it."""

    message: bytes
    metadata: tuple[tuple[str, str], ...] = ()


# Of a message and the metadata of its call.
Unary = Callable[[bytes, Mapping[str, str]], Awaitable[Reply]]

# The most that a message took once it was parsed (rows of one boolean each), in bytes for each of its own, rounded up.
PARSED = 12


class GrpcV2:
    """The methods of the service, by their paths. A call reserves from the byte budget while it is answered."""

    def __init__(self, v2: V2, budget: ByteBudget) -> None:
        self._v2 = v2
        self._budget = budget
        methods: dict[str, Unary] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ModelReady": self._model_ready,
            "ServerMetadata": self._server_metadata,
            "ModelMetadata": self._model_metadata,
            "ModelInfer": self._infer,
        }
        self.methods = {f"/{SERVICE}/{name}": unary for name, unary in methods.items()}

    async def _server_live(self, _: bytes, __: Mapping[str, str]) -> Reply:
        return Reply(messages.ServerLiveResponse(live=True).SerializeToString())

    async def _server_ready(self, _: bytes, __: Mapping[str, str]) -> Reply:
        return Reply(messages.ServerReadyResponse(ready=self._v2.ready).SerializeToString())

    async def _model_ready(self, body: bytes, _: Mapping[str, str]) -> Reply:
        await self._v2.check_version(_parsed(messages.ModelReadyRequest, body).version)
        return Reply(messages.ModelReadyResponse(ready=self._v2.ready).SerializeToString())

    async def _server_metadata(self, _: bytes, __: Mapping[str, str]) -> Reply:
        return Reply(messages.ServerMetadataResponse(**self._v2.server).SerializeToString())

    async def _model_metadata(self, body: bytes, _: Mapping[str, str]) -> Reply:
        await self._v2.check_version(_parsed(messages.ModelMetadataRequest, body).version)
        found = await self._v2.metadata()
        message = messages.ModelMetadataResponse(
            name=found["name"], versions=found["versions"], platform=found["platform"]
        )
        for side in ("inputs", "outputs"):
            for tensor in found[side]:
                entry = getattr(message, side).add(
                    name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"]
                )
                for name, value in tensor.get("parameters", {}).items():
                    entry.parameters[name].string_param = value
        return Reply(message.SerializeToString())

    async def _infer(self, body: bytes, metadata: Mapping[str, str]) -> Reply:
        self._v2.admit()
        with self._budget.reserved(PARSED * len(body)):
            inference, model, version = proto_codec.decode(body)
            await self._v2.check_version(version)
            given = identify(puid({"puid": inference.id}, metadata.get(HEADER)))
            inference.id = inference.id or given
            chosen = outputs(inference, await self._v2.infer(inference))
            return Reply(proto_codec.encode(inference, chosen, model, version), ((HEADER, given),))


def _parsed(kind: type[Message], body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise BadData(f"the message is no {kind.DESCRIPTOR.name}: {error}") from error


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
