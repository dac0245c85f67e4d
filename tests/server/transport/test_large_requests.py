"""Large requests are answered as small ones are, by a process of their own, and hold none of the others up."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import signal
import socket

import httpx
import pytest

from server.api.routes import HttpRequest, HttpStream
from server.shared_state import ByteBudget
from server.transport.large_requests import Forwarder, LargeRequestServer
from tests.polling import wait_for
from tests.server.pickled import pickled
from tests.server.running_server import serving

MODEL = """
import os, time

class Model:
    def predict(self, X):
        if X[0][0] == "wait":
            open(X[0][1], "w").close()
            time.sleep(1000)
        return [len(X), X[-1][0]]
"""
LARGE = 200_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pickled(tmp_path_factory.mktemp("model"), MODEL)


@pytest.fixture(scope="module", params=["1", pytest.param("2", marks=pytest.mark.long)])
def served(request, tmp_path_factory, model):
    environ = {"SERVER_EDGE_PROCESSES": request.param, "SERVER_DEADLINE_SECONDS": "1000"}
    with serving(tmp_path_factory.mktemp("served"), model, environ=environ) as running:
        yield running


def table(rows, first="a"):
    return json.dumps({"data": {"ndarray": [[first, "b"]] * rows}, "meta": {"puid": "p"}}).encode()


def test_a_large_request_gets_what_a_small_one_gets(served):
    small, large = served.post("/predict", table(2)), served.post("/predict", table(LARGE // 10))
    assert len(table(LARGE // 10)) > LARGE
    assert small.status_code == large.status_code == 200
    assert small.json()["data"]["ndarray"] == [2, "a"]
    assert large.json()["data"]["ndarray"] == [LARGE // 10, "a"]
    assert large.json()["meta"] == small.json()["meta"]
    assert large.headers.keys() == small.headers.keys()
    assert large.headers["seldon-puid"] == "p"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/predict", b"[" * LARGE, 400),
        ("/predict", b'{"data": {"ndarray": [' + b"1," * LARGE, 400),
        ("/nowhere", b"x" * LARGE, 404),
        ("/health/ping", b"x" * LARGE, 405),
        ("/predict_stream", table(LARGE // 10), 404),
    ],
    ids=["brackets", "unfinished", "no such path", "no such method", "no stream"],
)
def test_one_that_is_refused_is_refused_as_a_small_one(served, path, body, status):
    answer = served.client.post(path, content=body)
    assert answer.status_code == status
    assert answer.json()["status"]["status"] == 1


@pytest.mark.long
def test_small_ones_are_answered_while_large_ones_come(served):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        large = [pool.submit(served.post, "/predict", table(LARGE)) for _ in range(8)]
        answered = 0
        while not all(each.done() for each in large):
            assert served.post("/predict", table(1)).json()["data"]["ndarray"] == [1, "a"]
            answered += 1
        assert {each.result().status_code for each in large} == {200}
        assert {each.result().json()["data"]["ndarray"][0] for each in large} == {LARGE}
    assert answered > 8


def test_one_whose_client_leaves_is_not_run_and_gives_back_what_it_took(served, tmp_path):
    """Also one that waits behind it."""

    def leave():
        with httpx.Client(base_url=served.client.base_url) as client, pytest.raises(httpx.ReadTimeout):
            client.post("/predict", content=table(LARGE // 10, "c"), timeout=1)

    with httpx.Client(base_url=served.client.base_url) as client:
        body = json.dumps({"data": {"ndarray": [["wait", str(tmp_path / "begun")]] * (LARGE // 10)}})
        with pytest.raises(httpx.ReadTimeout):
            client.post("/predict", content=body.encode(), timeout=1)
        wait_for((tmp_path / "begun").exists)
        leave()
    os.kill(served.worker(), signal.SIGKILL)
    metrics = f"http://127.0.0.1:{served.health_port}/metrics"
    wait_for(lambda: "seldon_mlflow_server_budget_bytes 0.0\n" in httpx.get(metrics).text)
    wait_for(lambda: "seldon_mlflow_server_calls_waiting 0.0\n" in httpx.get(metrics).text)
    wait_for(lambda: served.post("/predict", table(LARGE // 10)).status_code == 200)


def test_the_server_ends_with_its_large_requests_answered(tmp_path, model):
    with serving(tmp_path, model) as running, concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.post, "/predict", table(LARGE))
        wait_for(lambda: b"seldon_mlflow_server_budget_bytes 0.0\n" not in metrics_of(running))
        running.process.send_signal(signal.SIGTERM)
        assert answer.result().json()["data"]["ndarray"] == [LARGE, "a"]
        assert running.process.wait(30) == 0


def metrics_of(served):
    return httpx.get(f"http://127.0.0.1:{served.health_port}/metrics").content


def test_it_ends_the_server_when_it_is_killed(tmp_path, model):
    with serving(tmp_path, model, environ={"SERVER_GRPC": "false"}) as running:
        (large,) = running.server_processes()
        os.kill(large, signal.SIGKILL)
        assert running.process.wait(30) == 31


def test_there_is_none_where_bodies_are_small_or_it_is_not_wanted(tmp_path, model):
    for environ in ({"SERVER_MAX_BODY_BYTES": "100000"}, {"SERVER_LARGE_BODY_BYTES": "0"}):
        folder = tmp_path / "-".join(environ)
        folder.mkdir()
        with serving(folder, model, environ={**environ, "SERVER_GRPC": "false"}) as running:
            assert running.server_processes() == []
            assert running.post("/predict", table(1000)).status_code == 200


@pytest.mark.parametrize(
    "taken", [0, 1, 2], ids=["before its second part", "after it", "while one is awaited"]
)
def test_a_stream_whose_client_leaves_ends_in_the_other_process(taken):
    """Also where its first part was not taken yet."""
    asyncio.run(asyncio.wait_for(left_after(taken), 30))


async def left_after(taken):
    closed = asyncio.Event()

    async def parts():
        try:
            yield b"a"
            yield b"b"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def respond(_):
        rest = parts()
        return HttpStream(200, await anext(rest), rest, "text/event-stream")

    loop, (ours, theirs), budget = asyncio.get_running_loop(), socket.socketpair(), ByteBudget(1 << 20)
    forwarder, server = Forwarder(respond, 0, budget), LargeRequestServer(respond)
    await loop.create_unix_connection(lambda: forwarder, sock=ours)
    await loop.create_unix_connection(lambda: server, sock=theirs)
    stream = await forwarder.respond(HttpRequest("POST", "/", headers={}, body=b"x"))
    assert (stream.status, stream.first) == (200, b"a")
    if taken > 0:
        assert await anext(stream.rest) == b"b"
    if taken > 1:
        waiting = asyncio.ensure_future(anext(stream.rest))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait((waiting,))
    await stream.rest.aclose()
    await closed.wait()
    assert budget.taken == 0
    while server._streams:
        await asyncio.sleep(0)
    forwarder.close()
    await server.over.wait()
    await asyncio.sleep(0)  # Until both have closed their sockets.
