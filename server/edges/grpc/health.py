"""The standard health service of gRPC, which says whether the model can be called.

Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping

from server.edges.grpc.head import Method, Reply
from server.edges.grpc.status import Code, Refused, parsed
from server.model.readiness import Readiness
from server.protocol.proto.standard import HealthCheckRequest, HealthCheckResponse, HealthListResponse

NAME = "grpc.health.v1.Health"


class Health:
    """The health of the server ("") and of its services, all being that of the model."""

    def __init__(self, readiness: Readiness, services: Collection[str]) -> None:
        self._readiness = readiness
        self._services = {"", *services}
        self.methods = {
            f"/{NAME}/Check": Method(unary=self._check),
            f"/{NAME}/List": Method(unary=self._list),
            f"/{NAME}/Watch": Method(streaming=self._watch),
        }

    async def _check(self, body: bytes, _: Mapping[str, str]) -> Reply:
        """Say how it is now."""
        service = parsed(HealthCheckRequest(), body).service
        if service not in self._services:
            known = ", ".join(sorted(self._services - {""}))
            raise Refused(Code.NOT_FOUND, f"{service}: there is no such service; the server has {known}")
        return Reply(_response(bool(self._readiness)).SerializeToString())

    async def _list(self, _: bytes, __: Mapping[str, str]) -> Reply:
        """Say how all of them are now."""
        response = _response(bool(self._readiness))
        return Reply(HealthListResponse(statuses=dict.fromkeys(self._services, response)).SerializeToString())

    async def _watch(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Say how it is now and whenever that changes, until the server ends."""
        async for body in requests:
            service = parsed(HealthCheckRequest(), body).service
            if service not in self._services:
                unknown = HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
                yield unknown.SerializeToString()
            async for ready in self._readiness.changes():
                if service in self._services:
                    yield _response(ready).SerializeToString()
            return
        raise Refused(Code.INTERNAL, "the request has no message: this method takes one")


def _response(ready: bool) -> HealthCheckResponse:
    return HealthCheckResponse(
        status=HealthCheckResponse.SERVING if ready else HealthCheckResponse.NOT_SERVING
    )
