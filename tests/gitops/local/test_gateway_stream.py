"""Server-sent events through the gateway, from the server's own HTTP edge."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gitops.local.gateway import Gateway
from gitops.local.routes import Container
from tests.server.edges.http_serving import Edge, serving_http

DEPLOYMENT = "/seldon/a/model"


@asynccontextmanager
async def through_the_gateway(path: str, edge: Edge) -> AsyncIterator[aiohttp.ClientResponse]:
    """Give the answer to a request for a path of the edge, as it comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            Gateway(listener, lambda: {DEPLOYMENT: Container(edge.port)}) as gateway,
            aiohttp.ClientSession() as client,
            client.get(f"{gateway.url}{DEPLOYMENT}{path}") as answer,
        ):
            yield answer


async def closed(edge: Edge) -> list[int]:
    async with asyncio.timeout(30):
        while not edge.application.closed:
            await asyncio.sleep(0.01)
    return edge.application.closed


def test_events_pass_as_they_come_until_the_client_leaves() -> None:
    async def run(edge: Edge) -> tuple[str, bytes, list[int]]:
        async with through_the_gateway("/stream/2/1/wait", edge) as answer:
            got = await answer.content.readexactly(2)
            assert not edge.application.closed
            kind = answer.headers["content-type"]
            answer.close()
            return kind, got, await closed(edge)

    with serving_http("lean") as edge:
        assert asyncio.run(run(edge)) == ("text/event-stream", b"ab", [2])


def test_they_end_as_the_container_ends_them() -> None:
    async def run(edge: Edge) -> bytes:
        async with through_the_gateway("/stream/3/100000", edge) as answer:
            return await answer.read()

    with serving_http("lean") as edge:
        assert len(asyncio.run(run(edge))) == 300000


def test_what_breaks_in_its_midst_is_no_whole_answer() -> None:
    async def run(edge: Edge) -> None:
        async with through_the_gateway("/stream/2/1/raise", edge) as answer:
            await answer.read()

    with serving_http("lean") as edge, pytest.raises(aiohttp.ClientError):
        asyncio.run(run(edge))


def test_a_client_that_takes_nothing_is_waited_for() -> None:
    async def run(edge: Edge) -> tuple[int, int]:
        async with through_the_gateway("/stream/2000/65536", edge) as answer:
            before = -1
            while before != edge.application.made:
                before = edge.application.made
                await asyncio.sleep(0.3)
            return before, len(await answer.read())

    with serving_http("lean") as edge:
        made, got = asyncio.run(run(edge))
    assert made < 1000
    assert got == 2000 * 65536
