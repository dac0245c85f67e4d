"""The library's reflection service, for a bounded number of clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Any

from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from server.edges.grpc.streams import Streams

NAME: str = reflection.SERVICE_NAME


class Reflection(reflection.aio.ReflectionServicer):  # type: ignore[misc]  # the library has no types
    """Tells of ``services``, and of itself."""

    def __init__(self, services: Collection[str]) -> None:
        super().__init__((*services, NAME))
        self._streams = Streams("ask for the services")

    async def ServerReflectionInfo(  # noqa: N802  the library's name
        self, request_iterator: AsyncIterator[ServerReflectionRequest], context: Any
    ) -> AsyncIterator[ServerReflectionResponse]:
        """Answer one question after the other."""
        async with self._streams.one(context):
            async for response in super().ServerReflectionInfo(request_iterator, context):
                yield response
