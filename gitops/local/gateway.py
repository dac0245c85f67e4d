"""The gateway, one address for all deployments as a cluster's ingress is: /seldon/<namespace>/<deployment>.

A request goes straight to the container of a deployment without orchestrator; for the others the
gateway does what the orchestrator does. At / is a page about all of them (gitops.local.page).
"""

from __future__ import annotations

import io
import json
import re
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from gitops.local import status
from gitops.local.loopback import refusal, this_machine
from gitops.local.page import LocalPage
from gitops.local.ports import HOST
from gitops.local.routes import Call, Container, Graph, Routes, Unavailable
from gitops.manifests.seldondeployment import V2

# Of one connection, not of the message: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
_HOP_BY_HOP = {
    *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "host"),
    *("content-length", "proxy-authenticate", "proxy-authorization"),
}
_PUID = "Seldon-Puid"
PREDICTIONS = "api/v1.0/predictions"
_PREDICTIONS = (PREDICTIONS, "api/v0.1/predictions")
_STATUS = ("health/status", "api/v1.0/health/status")
_METADATA = "api/v1.0/metadata"
# What the orchestrator passes on of a model's own.
_MODEL_METADATA = ("name", "platform", "versions", "inputs", "outputs")
_V2 = re.compile(r"v2/models/[^/]+((?P<infer>/infer)|(?P<ready>/ready))?")
_EVENTS = "text/event-stream"
_LARGE_BYTES = 1024 * 1024


class Gateway:
    """Serves on the socket ``listener``; an asynchronous context manager.

    ``routes`` is called at each request and returns the routes by the deployments' paths; ``page`` is told of it.
    """

    def __init__(self, listener: socket.socket, routes: Callable[[], Routes], page: LocalPage) -> None:
        self._listener = listener
        self._routes = routes
        self._page = page
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"

    async def __aenter__(self) -> Self:
        # Bodies and answers pass as they are; how large or slow they may be is for the containers to say.
        self._client = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout())
        application = web.Application(client_max_size=0, middlewares=[this_machine])
        self._page.add_to(application)
        application.router.add_route("*", "/seldon/{namespace}/{deployment}/{path:.*}", self._counted)
        application.router.add_route("*", "/{path:.*}", self._unknown)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=2.0,
            auto_decompress=False,
            handler_cancellation=True,  # A container is to see that its client has gone.
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._client.close()

    async def _counted(self, request: web.Request) -> web.StreamResponse:
        deployment = "/seldon/{namespace}/{deployment}".format_map(request.match_info)
        path, at, began = request.match_info["path"], time.time(), time.monotonic()
        answer = await self._answer(request, deployment, path)
        call = status.Call(at, request.method, f"/{path}", answer.status, time.monotonic() - began)
        self._page.status.called(deployment, call)
        return answer

    async def _answer(self, request: web.Request, deployment: str, path: str) -> web.StreamResponse:
        match self._routes().get(deployment):
            case None:
                return await self._unknown(request)
            case Unavailable(reason):
                return refusal(503, "DEPLOYMENT_NOT_AVAILABLE", reason)
            case Container(port):
                url = URL.build(scheme="http", host=HOST, port=port, path=f"/{path}", query=request.query)
                return await self._pass(request, url)
            case Graph() as graph:
                return await self._walk(request, graph, path)

    async def _walk(self, request: web.Request, graph: Graph, path: str) -> web.Response:
        """Answer as the orchestrator: from one node to the next; what a node refuses comes out as it is."""
        if graph.protocol == V2:
            return await self._v2(request, graph, path)
        method, node = request.method, path.removeprefix(f"{_METADATA}/")
        if method == hdrs.METH_GET and path == _METADATA:
            return await self._graph_metadata(request, graph)
        if method == hdrs.METH_POST and path in _PREDICTIONS:
            calls = graph.calls
        elif method == hdrs.METH_GET and path in _STATUS:
            calls = tuple(Call(name, "/health/status") for name in graph.ports)
        elif method == hdrs.METH_GET and path != node and node in graph.ports:
            calls = (Call(node, "/metadata"),)
        else:
            return refusal(
                404,
                "NO_SUCH_PATH",
                f"{method} {request.path}: a graph answers POST {PREDICTIONS}, GET {_STATUS[0]}, GET {_METADATA} and "
                f"GET {_METADATA}/<node> with <node> one of {', '.join(graph.ports)}",
            )
        headers, body = _passed(request.headers), await request.read()
        headers[_PUID] = puid = request.headers.get(_PUID) or str(uuid.uuid4())
        for call in calls:
            url = URL.build(scheme="http", host=HOST, port=graph.ports[call.node], path=call.path)
            answer = await self._send(method, url, headers, body)
            if answer.status != 200:
                break
            if method == hdrs.METH_POST:
                headers[hdrs.CONTENT_TYPE] = answer.headers[hdrs.CONTENT_TYPE]
                body = answer.body if isinstance(answer.body, bytes) else b""
        answer.headers[_PUID] = puid
        return answer

    async def _v2(self, request: web.Request, graph: Graph, path: str) -> web.Response:
        """Answer as the orchestrator of a deployment with the protocol v2: by its one node, which it calls by its own name."""
        (node,) = graph.ports
        found = _V2.fullmatch(path)
        if found is None or request.method != (hdrs.METH_POST if found["infer"] else hdrs.METH_GET):
            return refusal(
                404,
                "NO_SUCH_PATH",
                f"{request.method} {request.path}: a deployment with an orchestrator and the protocol v2 answers POST "
                f"v2/models/{node}/infer, GET v2/models/{node} and GET v2/models/{node}/ready",
            )
        rest = found["infer"] or found["ready"] or ""
        url = URL.build(scheme="http", host=HOST, port=graph.ports[node], path=f"/v2/models/{node}{rest}")
        return await self._send(request.method, url, _passed(request.headers), await request.read())

    async def _graph_metadata(self, request: web.Request, graph: Graph) -> web.Response:
        """Answer with the metadata of all nodes, as https://docs.seldon.io/projects/seldon-core/en/v1.17.1/reference/apis/metadata.html says."""
        models = {}
        for node, port in graph.ports.items():
            url = URL.build(scheme="http", host=HOST, port=port, path="/metadata")
            answer = await self._send(hdrs.METH_GET, url, _passed(request.headers), b"")
            if answer.status != 200:
                return answer
            message = json.loads(answer.body) if isinstance(answer.body, bytes) else {}
            models[node] = {key: message[key] for key in _MODEL_METADATA if key in message}
        return web.json_response({"name": request.match_info["deployment"], "models": models})

    async def _pass(self, request: web.Request, url: URL) -> web.StreamResponse:
        """Answer as the container does; server-sent events pass as they come."""
        headers, body = _passed(request.headers), await request.read()
        try:
            async with self._asked(request.method, url, headers, body) as answer:
                if answer.content_type == _EVENTS:
                    return await _streamed(request, answer)
                return await _whole(answer)
        except aiohttp.ClientError as error:
            return _not_available(error)

    async def _send(self, method: str, url: URL, headers: CIMultiDict[str], body: bytes) -> web.Response:
        try:
            async with self._asked(method, url, headers, body) as answer:
                return await _whole(answer)
        except aiohttp.ClientError as error:
            return _not_available(error)

    def _asked(
        self, method: str, url: URL, headers: CIMultiDict[str], body: bytes
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        data = io.BytesIO(body) if body else None
        # A container that refuses a large body answers and closes; a client that still sends loses the answer.
        large = len(body) > _LARGE_BYTES
        return self._client.request(
            method, url, headers=headers, data=data, expect100=large, allow_redirects=False
        )

    async def _unknown(self, request: web.Request) -> web.Response:
        known = ", ".join(f"{path}/{PREDICTIONS}" for path in self._routes())
        return refusal(
            404,
            "NO_SUCH_DEPLOYMENT",
            f"{request.path}: no deployment answers here; there are {known or 'none'}",
        )


async def _whole(answer: aiohttp.ClientResponse) -> web.Response:
    content = await answer.read()
    return web.Response(status=answer.status, headers=_passed(answer.headers), body=content)


async def _streamed(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Pass an answer on as it comes. Where one side is gone in its midst, the other's connection ends too."""
    response = web.StreamResponse(status=answer.status, headers=_passed(answer.headers))
    await response.prepare(request)
    try:
        async for part in answer.content.iter_any():
            await response.write(part)
    except aiohttp.ClientError:
        if request.transport is not None:
            request.transport.abort()
    return response


def _not_available(error: aiohttp.ClientError) -> web.Response:
    return refusal(503, "CONTAINER_NOT_AVAILABLE", f"the container does not answer: {error}")


def _passed(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return the headers that belong to the message itself."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)
