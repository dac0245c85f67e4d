"""The standard health service of gRPC, which says whether the model can be called.

Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import grpc
from grpc.aio import ServicerContext
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer

from server.model.readiness import Readiness

Context = ServicerContext[HealthCheckRequest, HealthCheckResponse]


class Health(HealthServicer):
    """The health of the server ("") and of its services, all being that of the model.

    The package's own servicer keeps its watchers for ever, and so a server that ends waiting for them.
    """

    def __init__(self, readiness: Readiness, services: Collection[str]) -> None:
        self._readiness = readiness
        self._services = {"", *services}

    async def Check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:  # noqa: N802
        """Say how it is now."""
        if request.service not in self._services:
            known = ", ".join(sorted(self._services - {""}))
            await context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"{request.service}: there is no such service; the server has {known}",
            )
        return _response(bool(self._readiness))

    async def Watch(  # noqa: N802
        self, request: HealthCheckRequest, _: Context
    ) -> AsyncIterator[HealthCheckResponse]:
        """Say how it is now and whenever that changes, until the server ends."""
        if request.service not in self._services:
            yield HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        async for ready in self._readiness.changes():
            if request.service in self._services:
                yield _response(ready)


def _response(ready: bool) -> HealthCheckResponse:
    return HealthCheckResponse(
        status=HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING
    )
