"""The standard services, health and reflection, as their clients ask them."""

from __future__ import annotations

import asyncio
import queue

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from server.edges.grpc.health import Health
from server.edges.grpc.reflection import NAMES, Reflection
from server.model.readiness import Readiness
from server.protocol.proto.standard import (
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListResponse,
    ServerReflectionRequest,
    ServerReflectionResponse,
)
from tests.server.edges.grpc.grpc_serving import serving_grpc

HEALTH = "/grpc.health.v1.Health"
SERVING, NOT_SERVING, UNKNOWN = (
    HealthCheckResponse.SERVING,
    HealthCheckResponse.NOT_SERVING,
    HealthCheckResponse.SERVICE_UNKNOWN,
)


class Service:
    """A server that has nothing but the standard services, and a readiness that the test sets."""

    def __init__(self, edge, readiness, channel):
        self.edge, self.readiness, self.channel = edge, readiness, channel

    def ready(self, state):
        self.edge.loop.call_soon_threadsafe(self.readiness.set, state)

    def check(self, service=""):
        body = self.channel.unary_unary(f"{HEALTH}/Check")(
            HealthCheckRequest(service=service).SerializeToString(), timeout=30
        )
        return HealthCheckResponse.FromString(body).status

    def watch(self, service=""):
        body = HealthCheckRequest(service=service).SerializeToString()
        replies = self.channel.unary_stream(f"{HEALTH}/Watch")(body, timeout=30)
        return replies, (HealthCheckResponse.FromString(reply).status for reply in replies)

    def reflect(self, *requests, version=NAMES[0]):
        bodies = iter([request.SerializeToString() for request in requests])
        replies = self.channel.stream_stream(f"/{version}/ServerReflectionInfo")(bodies, timeout=30)
        return [ServerReflectionResponse.FromString(reply) for reply in replies]


@pytest.fixture(scope="module")
def service():
    async def made():
        readiness = Readiness()
        health = Health(readiness, ["seldon.protos.Model"])
        return readiness, health.methods | Reflection(["seldon.protos.Model"]).methods

    readiness, methods = asyncio.run(made())
    with serving_grpc("lean", methods=methods) as edge, edge.channel() as channel:
        yield Service(edge, readiness, channel)


def test_health_is_asked_once(service):
    service.ready(True)
    assert service.check() == service.check("seldon.protos.Model") == SERVING
    service.ready(False)
    assert service.check() == service.check("seldon.protos.Model") == NOT_SERVING
    with pytest.raises(grpc.RpcError) as caught:
        service.check("other")
    assert (caught.value.code(), caught.value.details()) == (
        grpc.StatusCode.NOT_FOUND,
        "other: there is no such service; the server has seldon.protos.Model",
    )


def test_health_is_listed(service):
    service.ready(True)
    body = service.channel.unary_unary(f"{HEALTH}/List")(b"", timeout=30)
    listed = HealthListResponse.FromString(body).statuses
    assert {name: one.status for name, one in listed.items()} == {"": SERVING, "seldon.protos.Model": SERVING}


def test_health_is_watched(service):
    service.ready(False)
    call, statuses = service.watch()
    assert next(statuses) == NOT_SERVING
    service.ready(True)
    assert next(statuses) == SERVING
    service.ready(False)
    assert next(statuses) == NOT_SERVING
    call.cancel()


def test_health_of_no_service_is_watched(service):
    call, statuses = service.watch("other")
    assert next(statuses) == UNKNOWN
    call.cancel()


def test_bytes_that_ask_nothing(service):
    with pytest.raises(grpc.RpcError) as caught:
        service.channel.unary_unary(f"{HEALTH}/Check")(b"\xff", timeout=30)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("the bytes are no grpc.health.v1.HealthCheckRequest: ")
    watch = service.channel.stream_stream(f"{HEALTH}/Watch")
    with pytest.raises(grpc.RpcError) as caught:
        list(watch(iter([]), timeout=30))
    assert caught.value.code() is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("version", NAMES)
def test_reflection_lists_the_services(service, version):
    (reply,) = service.reflect(ServerReflectionRequest(host="a", list_services=""), version=version)
    assert reply.valid_host == "a"
    assert reply.original_request.HasField("list_services")
    listed = [one.name for one in reply.list_services_response.service]
    assert listed == sorted(["seldon.protos.Model", *NAMES])


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("seldon.protos.Model", "server/protocol/proto/prediction.proto"),
        ("seldon.protos.Model.Predict", "server/protocol/proto/prediction.proto"),
        ("seldon.protos.SeldonMessage", "server/protocol/proto/prediction.proto"),
        ("grpc.health.v1.Health", "server/protocol/proto/standard/health.proto"),
        ("grpc.reflection.v1.ServerReflection", "server/protocol/proto/standard/reflection_v1.proto"),
        (
            "grpc.reflection.v1alpha.ServerReflection",
            "server/protocol/proto/standard/reflection_v1alpha.proto",
        ),
    ],
)
def test_reflection_describes_a_symbol_with_all_that_it_needs(service, symbol, file):
    by_symbol, by_name = service.reflect(
        ServerReflectionRequest(file_containing_symbol=symbol), ServerReflectionRequest(file_by_filename=file)
    )
    assert by_symbol.file_descriptor_response == by_name.file_descriptor_response
    files = [
        FileDescriptorProto.FromString(one)
        for one in by_symbol.file_descriptor_response.file_descriptor_proto
    ]
    assert files[0].name == file
    assert {needed for one in files for needed in one.dependency} <= {one.name for one in files}


def test_reflection_says_what_there_is_not(service):
    extension = ServerReflectionRequest()
    extension.file_containing_extension.containing_type = "seldon.protos.Model"
    replies = service.reflect(
        ServerReflectionRequest(file_containing_symbol="seldon.protos.Model.NoSuch"),
        ServerReflectionRequest(file_by_filename="no.proto"),
        ServerReflectionRequest(all_extension_numbers_of_type="no.such"),
        extension,
        ServerReflectionRequest(),
        ServerReflectionRequest(all_extension_numbers_of_type="seldon.protos.Meta"),
    )
    assert [(one.error_response.error_code, one.error_response.error_message) for one in replies[:5]] == [
        (5, "symbol seldon.protos.Model.NoSuch: the server does not have it"),
        (5, "file no.proto: the server does not have it"),
        (5, "symbol no.such: the server does not have it"),
        (5, "no message of the server has extensions"),
        (3, "the request asks for nothing"),
    ]
    assert replies[5].all_extension_numbers_response.base_type_name == "seldon.protos.Meta"


def test_reflection_answers_while_the_client_goes_on_asking(service):
    asked: queue.Queue[bytes | None] = queue.Queue()
    replies = service.channel.stream_stream(f"/{NAMES[0]}/ServerReflectionInfo")(
        iter(asked.get, None), timeout=30
    )
    for _ in range(3):
        asked.put(ServerReflectionRequest(list_services="").SerializeToString())
        assert ServerReflectionResponse.FromString(next(replies)).HasField("list_services_response")
    asked.put(None)
    assert list(replies) == []
