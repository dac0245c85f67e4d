"""The gRPC service of the Open Inference Protocol (v2): request bytes to response bytes or an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError, Message

from server.api.unary import PARSED, Reply, Unary
from server.api.v2 import V2
from server.byte_budget import ByteBudget
from server.errors import BadData
from server.protocol.meta import HEADER, puid
from server.protocol.v2 import inference_pb2 as messages
from server.protocol.v2 import proto_codec
from server.protocol.v2.inference import outputs
from server.telemetry.call_record import identify

SERVICE = "inference.GRPCInferenceService"


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
