"""Health and metrics on a listener of their own, whatever becomes of the others."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from server.api import health
from server.api.health import Health
from server.api.node import Node
from server.serving.health_listener import listening
from server.settings import ServeSettings
from server.shared_state import SharedState
from server.transport.listener import listen
from tests.polling import wait_for
from tests.project import MODELS
from tests.server.running_server import REST, serving
from tests.server.transport.http.http_serving import Client

REQUEST = {"data": {"ndarray": [[6.8, 2.8, 4.8, 1.4]]}}


@contextmanager
def own_listener(state: SharedState, settings: ServeSettings) -> Iterator[httpx.Client]:
    sock = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    with (
        listening(Health(Node(settings, state.waiting), state), sock, 100),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


@contextmanager
def beating(state: SharedState) -> Iterator[None]:
    """Have a loop beat, as that of the server does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    beat = asyncio.run_coroutine_threadsafe(state.heartbeats.beat(), loop)
    try:
        yield
    finally:
        beat.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_loop_that_is_held_is_told_of_by_another(monkeypatch):
    monkeypatch.setattr(health, "SILENT_SECONDS", 2.0)
    settings = ServeSettings(model_uri=str(MODELS / "iris_svm_model"))
    # Of two processes, the other never beats.
    for processes, status in ((1, 200), (2, 503)):
        state = SharedState(settings, processes)
        with own_listener(state, settings) as client:
            wait_for(lambda: client.get("/health/ping").status_code == 503)
            assert "an event loop of the server has been held for " in client.get("/health/status").text
            with beating(state):
                answered = client.get("/health/ping")
                wait_for(lambda: client.get("/health/ping").status_code == status)  # noqa: B023
                assert answered.status_code in (200, 503)
            assert "event_loop_silence_seconds" in client.get("/metrics").text


def test_one_that_cannot_listen_ends_without_a_second_error(caplog):
    state = SharedState(ServeSettings())
    node = Node(ServeSettings(model_uri=str(MODELS / "iris_svm_model")), state.waiting)
    sock = listen("127.0.0.1", 0)
    sock.close()
    with listening(Health(node, state), sock, 100):
        wait_for(lambda: "health" not in {thread.name for thread in threading.enumerate()})
    assert "the listener of health and metrics has ended" in caplog.text


def test_the_paths_are_on_both_ports(tmp_path, slow_model):
    with serving(tmp_path, slow_model, environ=REST) as served:
        own = f"http://127.0.0.1:{served.health_port}"
        with httpx.Client(base_url=own, timeout=30) as client:
            for path in ("/health/ping", "/health/status", "/api/v1.0/health/status"):
                assert client.get(path).content == served.client.get(path).content
            for path in ("/metrics", "/prometheus"):
                for answer in (client.get(path), served.client.get(path)):
                    assert "\nseldon_mlflow_server_ready 1.0\n" in answer.text
            assert client.post("/predict", json=REQUEST).status_code == 404
            assert client.post("/health/ping").status_code == 405


def test_probes_are_answered_while_no_connection_of_the_rest_interface_is_free(tmp_path, slow_model):
    environ = {**REST, "SERVER_MAX_CONNECTIONS": "4"}
    with serving(tmp_path, slow_model, environ=environ) as served:
        held = []
        for _ in range(8):
            sock = socket.create_connection(("127.0.0.1", served.client.base_url.port), timeout=30)
            sock.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
            held.append(Client(sock))
        assert held[-1].response().status == 503
        for path in ("/health/ping", "/health/status", "/metrics"):
            assert httpx.get(f"http://127.0.0.1:{served.health_port}{path}", timeout=5).status_code == 200
        for client in held:
            client.sock.close()


@pytest.mark.parametrize("server_processes", ["2"])
def test_the_model_that_is_gone_is_told_of_on_the_own_port_too(tmp_path, slow_model, server_processes):
    environ = {**REST, "SERVER_EDGE_PROCESSES": server_processes}
    with serving(tmp_path, slow_model, environ=environ) as served:
        own = f"http://127.0.0.1:{served.health_port}"
        assert served.post("/predict", {"data": {"ndarray": [[-1]]}}).status_code == 503
        wait_for(lambda: httpx.get(f"{own}/health/status").status_code == 503)
        assert httpx.get(f"{own}/health/ping").status_code == 200
        wait_for(lambda: httpx.get(f"{own}/health/status").status_code == 200)
