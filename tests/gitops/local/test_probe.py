from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gitops.errors import NotRunnable
from gitops.local import ports, probe
from gitops.local.operator import Ports
from tests.gitops.local.manifests import container

HTTP = {"httpGet": {"port": "http", "path": "/health"}}
WHERE = "spec.predictors[0].componentSpecs[0].spec.containers[0]"


async def ask(fields: dict[str, Any], answers: list[int], *, deadline: float = 5.0) -> list[int]:
    """Probe a container that gives these answers, the last one for ever; return those that it did not give."""
    left = list(answers)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=left.pop(0) if len(left) > 1 else left[0], text="as it is")

    (port,) = ports.free(1)
    application = web.Application()
    application.router.add_get("/health", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        if answers:
            await web.TCPSite(runner, ports.HOST, port).start()
        async with aiohttp.ClientSession() as client:
            given = Ports(http=port, grpc=1, metrics=2)
            await probe.ready(container(**fields), given, client, deadline_seconds=deadline)
    finally:
        await runner.cleanup()
    return left


def test_a_container_is_ready_when_its_probes_succeed() -> None:
    fields = {"startupProbe": {**HTTP, "periodSeconds": 1}, "readinessProbe": HTTP}
    assert asyncio.run(ask(fields, [503, 503, 200, 503, 301, 500])) == [500]


def test_a_port_that_is_declared_is_called_by_its_number_too() -> None:
    fields = {
        "ports": [{"name": "http", "containerPort": 9000}],
        "readinessProbe": {"httpGet": {"port": 9000, "path": "/health"}},
    }
    assert asyncio.run(ask(fields, [200, 500])) == [500]


def test_a_container_without_probes_is_ready_when_its_port_is_open() -> None:
    assert asyncio.run(ask({}, [500])) == [500]


@pytest.mark.parametrize(
    ("fields", "answers", "message"),
    [
        (
            {"startupProbe": {**HTTP, "periodSeconds": 1, "failureThreshold": 1, "initialDelaySeconds": 0}},
            [503],
            "is not ready after 1 s, the time of its startupProbe: http://127.0.0.1:{port}/health answered 503 as it is",
        ),
        (
            {"readinessProbe": HTTP},
            [],
            "is not ready after 0.3 s, the time of its readinessProbe: http://127.0.0.1:{port}/health does not answer "
            "(ClientConnectorError)",
        ),
        (
            {},
            [],
            "is not ready after 0.3 s, the time of its readinessProbe: 127.0.0.1:{port} takes no connection "
            "(Connect call failed ('127.0.0.1', {port}))",
        ),
    ],
    ids=["startup", "readiness", "tcp"],
)
def test_a_probe_that_never_succeeds_is_told(
    fields: dict[str, Any], answers: list[int], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = ports.free(1)
    monkeypatch.setattr(ports, "free", lambda count: [port])
    with pytest.raises(probe.NotReady) as error:
        asyncio.run(ask(fields, answers, deadline=0.3))
    assert str(error.value) == message.format(port=port)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"readinessProbe": {"exec": {"command": ["true"]}}},
            f"{WHERE}.readinessProbe of container model has neither httpGet nor tcpSocket: the local run knows "
            "these two only",
        ),
        (
            {"startupProbe": {"httpGet": {"port": 9001}}},
            f"{WHERE}.startupProbe of container model asks port 9001: must be one of http, grpc, metrics",
        ),
    ],
)
def test_a_probe_that_cannot_be_made_here_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NotRunnable) as error:
        asyncio.run(ask(fields, [200]))
    assert str(error.value) == message
