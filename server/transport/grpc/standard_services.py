"""The library's health and reflection services, for a bounded number of clients; health follows the model's readiness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from server.model.readiness import Readiness

# A replica has a few clients that watch its health or ask for its services: orchestrators, meshes, people.
MOST = 100
HEALTH: str = health.SERVICE_NAME
# How long a watcher may take to read a status: the library blocks all others meanwhile.
WRITE_SECONDS = 1.0
REFLECTION: str = reflection.SERVICE_NAME


class Streams:
    """Counts the streams of one kind, of which there may be ``MOST``.

    Args:
        what: what their clients do.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._count = 0

    @asynccontextmanager
    async def one(self, context: Any) -> AsyncIterator[None]:
        """Count one more as long as the context lasts, or end its call with RESOURCE_EXHAUSTED."""
        if self._count >= MOST:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MOST} clients {self._what}: no more may"
            )
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1


class HealthService:
    """The health of the server ("") and of its services, all being that of the model."""

    def __init__(self, readiness: Readiness, services: Collection[str]) -> None:
        self._readiness = readiness
        self._services = ("", *services)
        self.servicer = _Servicer()

    async def follow(self) -> None:
        """Set the status now and at every change, until readiness is closed."""
        async for ready in self._readiness.changes():
            status = HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING
            for service in self._services:
                await self.servicer.set(service, status)


class _Servicer(health.aio.HealthServicer):
    """The library's service for a bounded number of watchers; one that does not read a status in time is cut off."""

    def __init__(self) -> None:
        super().__init__()
        self._streams = Streams("watch the health")

    async def Watch(self, request: HealthCheckRequest, context: Any) -> None:  # noqa: N802  the library's name
        """Stream every change of the status to a watcher."""
        async with self._streams.one(context):
            try:
                timed: Any = _TimedContext(context)
                await super().Watch(request, timed)
            except TimeoutError:
                await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the client does not take the status")


class _TimedContext:
    """A call's context whose writes time out."""

    def __init__(self, context: Any) -> None:
        self._context = context

    async def write(self, message: HealthCheckResponse) -> None:
        """Write a message.

        Raises:
            TimeoutError: the client does not take it.
        """
        async with asyncio.timeout(WRITE_SECONDS):
            await self._context.write(message)


class Reflection(reflection.aio.ReflectionServicer):
    """Lists ``services``, and itself."""

    def __init__(self, services: Collection[str]) -> None:
        super().__init__((*services, REFLECTION))
        self._streams = Streams("ask for the services")

    async def ServerReflectionInfo(  # type: ignore[override]  # noqa: N802  the library's name; its types know no generator
        self, request_iterator: AsyncIterable[ServerReflectionRequest], context: Any
    ) -> AsyncIterator[ServerReflectionResponse]:
        """Answer one request after the other."""
        responses: Any = super().ServerReflectionInfo(request_iterator, context)
        async with self._streams.one(context):
            async for response in responses:
                yield response
