"""The library's reflection service, for a bounded number of clients."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Collection
from typing import Any

from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from server.transport.grpc.streams import Streams

NAME: str = reflection.SERVICE_NAME


class Reflection(reflection.aio.ReflectionServicer):
    """Lists ``services``, and itself."""

    def __init__(self, services: Collection[str]) -> None:
        super().__init__((*services, NAME))
        self._streams = Streams("ask for the services")

    async def ServerReflectionInfo(  # type: ignore[override]  # noqa: N802  the library's name; its types know no generator
        self, request_iterator: AsyncIterable[ServerReflectionRequest], context: Any
    ) -> AsyncIterator[ServerReflectionResponse]:
        """Answer one request after the other."""
        responses: Any = super().ServerReflectionInfo(request_iterator, context)
        async with self._streams.one(context):
            async for response in responses:
                yield response
