"""The messages of gRPC's standard services, in a pool of their own.

A client in the same process may hold the same names in the pool that all share, which takes each once. `make proto`
makes the file of descriptors, and of the classes what a type checker needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

POOL = DescriptorPool()
for _file in FileDescriptorSet.FromString(Path(__file__).with_name("standard.binpb").read_bytes()).file:
    POOL.Add(_file)

if TYPE_CHECKING:
    from server.protocol.proto.standard.health_pb2 import (
        HealthCheckRequest,
        HealthCheckResponse,
        HealthListResponse,
    )
    from server.protocol.proto.standard.reflection_v1_pb2 import (
        ServerReflectionRequest,
        ServerReflectionResponse,
    )
else:

    def _class(name):
        return GetMessageClass(POOL.FindMessageTypeByName(name))

    HealthCheckRequest = _class("grpc.health.v1.HealthCheckRequest")
    HealthCheckResponse = _class("grpc.health.v1.HealthCheckResponse")
    HealthListResponse = _class("grpc.health.v1.HealthListResponse")
    ServerReflectionRequest = _class("grpc.reflection.v1.ServerReflectionRequest")
    ServerReflectionResponse = _class("grpc.reflection.v1.ServerReflectionResponse")

__all__ = [
    "POOL",
    "HealthCheckRequest",
    "HealthCheckResponse",
    "HealthListResponse",
    "ServerReflectionRequest",
    "ServerReflectionResponse",
]
