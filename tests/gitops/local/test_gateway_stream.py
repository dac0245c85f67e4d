"""Server-sent events through the gateway, from the server's own HTTP edge."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from gitops.local.gateway import Gateway
from gitops.local.page import LocalPage
from gitops.local.routes import Container
from gitops.local.status import Status
from tests.server.transport.http.http_serving import HttpServer, serving_http

DEPLOYMENT = "/seldon/a/model"


@asynccontextmanager
async def through_the_gateway(path: str, http_server: HttpServer) -> AsyncIterator[aiohttp.ClientResponse]:
    """Give the answer to a request for a path of the edge, as it comes."""
    page = LocalPage(Status([]), Path())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            Gateway(listener, lambda: {DEPLOYMENT: Container(http_server.port)}, page) as gateway,
            aiohttp.ClientSession() as client,
            client.get(f"{gateway.url}{DEPLOYMENT}{path}") as answer,
        ):
            yield answer


async def closed(http_server: HttpServer) -> list[int]:
    async with asyncio.timeout(30):
        while not http_server.application.closed:
            await asyncio.sleep(0.01)
    return http_server.application.closed


def test_events_pass_as_they_come_until_the_client_leaves() -> None:
    async def run(http_server: HttpServer) -> tuple[str, bytes, list[int]]:
        async with through_the_gateway("/stream/2/1/wait", http_server) as answer:
            got = await answer.content.readexactly(2)
            assert not http_server.application.closed
            kind = answer.headers["content-type"]
            answer.close()
            return kind, got, await closed(http_server)

    with serving_http("lean") as http_server:
        assert asyncio.run(run(http_server)) == ("text/event-stream", b"ab", [2])


def test_they_end_as_the_container_ends_them() -> None:
    async def run(http_server: HttpServer) -> bytes:
        async with through_the_gateway("/stream/3/100000", http_server) as answer:
            return await answer.read()

    with serving_http("lean") as http_server:
        assert len(asyncio.run(run(http_server))) == 300000


def test_what_breaks_in_its_midst_is_no_whole_answer() -> None:
    async def run(http_server: HttpServer) -> None:
        async with through_the_gateway("/stream/2/1/raise", http_server) as answer:
            await answer.read()

    with serving_http("lean") as http_server, pytest.raises(aiohttp.ClientError):
        asyncio.run(run(http_server))


def test_a_client_that_takes_nothing_is_waited_for() -> None:
    async def run(http_server: HttpServer) -> tuple[int, int]:
        async with through_the_gateway("/stream/2000/65536", http_server) as answer:
            before = -1
            while before != http_server.application.made:
                before = http_server.application.made
                await asyncio.sleep(0.3)
            return before, len(await answer.read())

    with serving_http("lean") as http_server:
        made, got = asyncio.run(run(http_server))
    assert made < 1000
    assert got == 2000 * 65536
