"""The standard reflection service of gRPC, which tells a client such as grpcurl what can be called.

Source: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from server.edges.grpc.head import Method
from server.edges.grpc.status import Code, parsed
from server.protocol.proto.prediction_pb2 import DESCRIPTOR
from server.protocol.proto.standard import POOL, ServerReflectionRequest, ServerReflectionResponse

# The two have the same messages under different names.
NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
_POOLS: tuple[DescriptorPool, ...] = (POOL, DESCRIPTOR.pool)


class Reflection:
    """What the server's services are, by name, and the files that describe them."""

    def __init__(self, services: Collection[str]) -> None:
        self._services = sorted({*services, *NAMES})
        self.methods = {f"/{name}/ServerReflectionInfo": Method(streaming=self._info) for name in NAMES}

    async def _info(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for body in requests:
            yield self._answer(parsed(ServerReflectionRequest(), body)).SerializeToString()

    def _answer(self, request: ServerReflectionRequest) -> ServerReflectionResponse:
        response = ServerReflectionResponse(valid_host=request.host, original_request=request)
        asked = request.WhichOneof("message_request")
        try:
            if asked == "list_services":
                for name in self._services:
                    response.list_services_response.service.add(name=name)
            elif asked == "file_by_filename":
                _describe(response, _file(request.file_by_filename))
            elif asked == "file_containing_symbol":
                _describe(response, _file_containing(request.file_containing_symbol))
            elif asked == "all_extension_numbers_of_type":
                # Only messages of proto2 have any.
                name = request.all_extension_numbers_of_type
                _file_containing(name)
                response.all_extension_numbers_response.base_type_name = name
            elif asked == "file_containing_extension":
                _refuse(response, Code.NOT_FOUND, "no message of the server has extensions")
            else:
                _refuse(response, Code.INVALID_ARGUMENT, "the request asks for nothing")
        except KeyError as error:
            _refuse(response, Code.NOT_FOUND, f"{error.args[0]}: the server does not have it")
        return response


def _file(name: str) -> FileDescriptor:
    for pool in _POOLS:
        try:
            return pool.FindFileByName(name)
        except KeyError:
            continue
    raise KeyError(f"file {name}")


def _file_containing(symbol: str) -> FileDescriptor:
    # A pool does not look for methods by itself.
    service, _, method = symbol.rpartition(".")
    for pool in _POOLS:
        try:
            return pool.FindFileContainingSymbol(symbol)
        except KeyError:
            pass
        try:
            found = pool.FindServiceByName(service)
        except KeyError:
            continue
        if method in found.methods_by_name:
            return found.file
    raise KeyError(f"symbol {symbol}")


def _refuse(response: ServerReflectionResponse, code: Code, message: str) -> None:
    response.error_response.error_code = code
    response.error_response.error_message = message


def _describe(response: ServerReflectionResponse, file: FileDescriptor) -> None:
    """Put a file into a response, with all that it needs."""
    for each in _closure(file, set()):
        response.file_descriptor_response.file_descriptor_proto.append(each.serialized_pb)


def _closure(file: FileDescriptor, seen: set[str]) -> Iterator[FileDescriptor]:
    if file.name not in seen:
        seen.add(file.name)
        yield file
        for needed in file.dependencies:
            yield from _closure(needed, seen)
