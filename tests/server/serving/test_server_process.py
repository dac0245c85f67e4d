"""Several processes of the server, and several of the model."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.server.pickled import pickled
from tests.server.polling import wait_for
from tests.server.running_server import WORKER, serving

# Without the processes of gRPC and of large requests, which are not counted here.
REST = {"SERVER_GRPC": "false", "SERVER_LARGE_BODY_BYTES": "0"}
TWO = {**REST, "SERVER_EDGE_PROCESSES": "2"}
THREADED = """
import threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
class Model:
    def predict(self, X):
        return X
"""


def number(value):
    return {"data": {"ndarray": [[value]]}}


def children(process):
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def server_processes(served):
    return [
        child
        for child in children(served.process.pid)
        if WORKER not in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def connections(process):
    """Return how many TCP connections a process has."""
    inodes = {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()}
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[3] == "01" and f"socket:[{fields[9]}]" in inodes for fields in lines)


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def post_by_each(served, count=8):
    """Answer requests over connections of their own; return their statuses."""
    clients = [httpx.Client(base_url=served.client.base_url, timeout=30) for _ in range(count)]
    try:
        statuses = [client.post("/predict", json=number(0)).status_code for client in clients]
        shares = [connections(process) for process in (served.process.pid, *server_processes(served))]
    finally:
        for client in clients:
            client.close()
    return statuses, shares


def ready_everywhere(served):
    return set(post_by_each(served)[0]) == {200}


def test_without_grpc_there_is_neither_its_process_nor_its_library(tmp_path, slow_model):
    with serving(tmp_path, slow_model, visible=True, environ=REST) as served:
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
        assert [int(child) for child in children] == [served.worker()]
        assert "cygrpc" not in Path(f"/proc/{served.process.pid}/maps").read_text()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.grpc_port))


def test_each_process_gets_its_share_of_the_connections(tmp_path, slow_model):
    environ = {**REST, "SERVER_EDGE_PROCESSES": "3"}
    with serving(tmp_path, slow_model, visible=True, environ=environ) as served:
        wait_for(lambda: ready_everywhere(served))
        _, shares = post_by_each(served, 24)
        assert len(shares) == 3
        # A process that is slow to wake leaves some to the others.
        assert min(shares) >= 3


def test_all_of_them_end_together(tmp_path, slow_model):
    with serving(tmp_path, slow_model, visible=True, environ=TWO) as served:
        started = [*server_processes(served), served.worker()]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        assert not any(map(alive, started))


def test_they_end_with_the_first_one_however_that_ends(tmp_path, slow_model):
    environ = {**TWO, "SERVER_MODEL_PROCESSES": "2"}
    with serving(tmp_path, slow_model, visible=True, environ=environ) as served:
        worker = served.worker()
        started = [*server_processes(served), worker, *children(worker)]
        assert len(started) == 4
        served.process.kill()
        served.process.wait(30)
        wait_for(lambda: not any(map(alive, started)))


def test_requests_under_way_in_every_process_end(tmp_path, slow_model):
    with serving(tmp_path, slow_model, visible=True, environ=TWO) as served, contextlib.ExitStack() as stack:
        wait_for(lambda: ready_everywhere(served))
        url = served.client.base_url
        asking = [http.client.HTTPConnection(url.host, url.port, timeout=30) for _ in range(8)]
        for connection in asking:
            stack.callback(connection.close)
            # Answered, so a process has taken the connection.
            connection.request("GET", "/health/ping")
            connection.getresponse().read()
        for connection in asking:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/predict", json.dumps(number(0.25)), headers)
        # When some are answered, all have come.
        wait_for(lambda: served.log.read_text().count("ran 0.25") >= 3)
        served.process.send_signal(signal.SIGTERM)
        answers = [connection.getresponse() for connection in asking]
        assert [(answer.status, bool(answer.read())) for answer in answers] == [(200, True)] * 8
        assert served.process.wait(30) == 0


def test_the_server_ends_when_one_of_its_processes_dies(tmp_path, slow_model):
    with serving(tmp_path, slow_model, visible=True, environ=TWO) as served:
        (server_process,) = server_processes(served)
        os.kill(server_process, signal.SIGKILL)
        assert served.process.wait(30) == 31
        assert (
            "a process of the server ended by signal SIGKILL: the server ends, to be started again"
            in served.log.read_text()
        )


def test_a_process_of_the_model_that_dies_is_replaced_while_others_answer(tmp_path, slow_model):
    with serving(
        tmp_path, slow_model, visible=True, environ={**TWO, "SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        worker = served.worker()
        wait_for(lambda: len(children(worker)) == 2 and ready_everywhere(served))
        before = set(children(worker))
        response = served.post("/predict", number(-1))
        assert response.status_code == 503
        assert post_by_each(served)[0] == [200] * 8
        assert served.client.get("/health/status").status_code == 200
        wait_for(lambda: len(children(worker)) == 2)
        assert len(before & set(children(worker))) == 1
        assert served.worker() == worker
        assert (
            "a process of the model ended by signal SIGKILL; starting it again in 0.5 s"
            in served.log.read_text()
        )


def test_when_all_of_the_model_dies_nothing_is_left_and_it_is_started_again(tmp_path, slow_model):
    with serving(
        tmp_path, slow_model, visible=True, environ={**TWO, "SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        worker = served.worker()
        forked = children(worker)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: not any(map(alive, forked)))
        wait_for(lambda: ready_everywhere(served))
        assert served.worker() != worker


def test_a_model_with_threads_is_not_forked(tmp_path):
    folder = pickled(tmp_path / "threaded", THREADED)
    with serving(
        tmp_path, folder, ready=False, visible=True, environ={"SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        assert served.process.wait(60) == 30
        assert (
            "the model cannot be loaded in its environment: RuntimeError: SERVER_MODEL_PROCESSES must be 1 for this "
            "model: loading it has started 1 threads, so its process cannot be forked; serve it by more replicas"
        ) in served.log.read_text()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_what_waits_too_long_or_too_much_is_refused(tmp_path, slow_model, processes):
    limits = {
        "SERVER_QUEUE_CALLS": "3",
        "SERVER_DEADLINE_SECONDS": "3",
        "SERVER_GRACE_SECONDS": "60",
        "SERVER_EDGE_PROCESSES": processes,
    }
    with serving(tmp_path, slow_model, visible=True, environ=limits) as served:
        wait_for(lambda: ready_everywhere(served))
        with concurrent.futures.ThreadPoolExecutor() as pool:

            def ask(value):
                return pool.submit(
                    httpx.post, f"{served.client.base_url}/predict", json=number(value), timeout=30
                )

            running = ask(6)
            wait_for(lambda: "ran 6" in served.log.read_text())
            others = [call.result() for call in [ask(0.25), ask(0.125), ask(0.0625)]]
            late = [running.result(), *(answer for answer in others if answer.status_code == 504)]
        # Whichever comes last finds no place.
        (refused,) = (answer for answer in others if answer.status_code != 504)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["status"]["info"] == (
            "3 requests wait for the model: no more may; send the request again later, or raise SERVER_QUEUE_CALLS"
        )
        assert {answer.status_code for answer in late} == {504}
        assert {answer.json()["status"]["info"] for answer in late} == {
            "the model has not answered in 3 seconds: send fewer rows or requests at a time, or "
            "raise SERVER_DEADLINE_SECONDS"
        }
        wait_for(lambda: ready_everywhere(served))
        assert "ran 0." not in served.log.read_text()
