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
import psutil
import pytest

from tests.polling import wait_for
from tests.processes import children, is_running
from tests.server.pickled import pickled
from tests.server.running_server import REST, VISIBLE, serving

# Without the process of large requests either, which is not counted here.
ALONE = {**REST, "SERVER_LARGE_BODY_BYTES": "0"}
TWO = {**ALONE, "SERVER_EDGE_PROCESSES": "2"}
MODEL = """
class Model:
    def predict(self, X):
        return X
"""
# It writes down when it is loaded, and answers with the number of the process that has been called.
THREADED = """
import os, threading, time
with open({loaded!r}, "a") as file:
    file.write("begin\\n")
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
class Model:
    def predict(self, X):
        time.sleep(0.05)
        return X[:, :1] * 0 + os.getpid()
with open({loaded!r}, "a") as file:
    file.write("end\\n")
"""
THREAD = """
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
# It forks a process that lives on, and dies.
FORKING = """
import os, time
class Model:
    def predict(self, X):
        if X[0][0] == -1:
            if os.fork() == 0:
                time.sleep(600)
            os._exit(3)
        return X
"""
# Only the first process loads it in time.
SLOW = (
    """
import os, threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
try:
    os.close(os.open({first!r}, os.O_CREAT | os.O_EXCL))
except FileExistsError:
    time.sleep(600)
"""
    + MODEL
)
NEEDY = (
    """
import os, threading, time
os.remove({needed!r})
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""
    + MODEL
)


def coded(folder, source):
    """Make ``folder`` a model whose module ``source`` does what it does only where the model is loaded."""
    pickled(folder, MODEL)
    (folder / "code" / "own.py").write_text(source)
    return folder


def number(value):
    return {"data": {"ndarray": [[value]]}}


def connections(process):
    """Return how many TCP connections a process has."""
    found = psutil.Process(process).net_connections("tcp4")
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in found)


def post_by_each(served, count=8):
    """Answer requests over connections of their own; return their statuses."""
    clients = [httpx.Client(base_url=served.client.base_url, timeout=30) for _ in range(count)]
    try:
        statuses = [client.post("/predict", json=number(0)).status_code for client in clients]
        shares = [connections(process) for process in (served.process.pid, *served.server_processes())]
    finally:
        for client in clients:
            client.close()
    return statuses, shares


def ready_everywhere(served):
    return set(post_by_each(served)[0]) == {200}


def test_without_grpc_there_is_neither_its_process_nor_its_library(tmp_path, slow_model):
    with serving(tmp_path, slow_model, program=VISIBLE, environ=ALONE) as served:
        assert children(served.process.pid) == [served.worker()]
        maps = Path(f"/proc/{served.process.pid}/maps")
        assert not maps.exists() or "cygrpc" not in maps.read_text()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", served.grpc_port))


def test_each_process_gets_its_share_of_the_connections(tmp_path, slow_model):
    environ = {**ALONE, "SERVER_EDGE_PROCESSES": "3"}
    with serving(tmp_path, slow_model, program=VISIBLE, environ=environ) as served:
        wait_for(lambda: ready_everywhere(served))
        _, shares = post_by_each(served, 24)
        assert len(shares) == 3
        # A process that is slow to wake leaves some to the others.
        assert min(shares) >= 3


def test_all_of_them_end_together(tmp_path, slow_model):
    with serving(tmp_path, slow_model, program=VISIBLE, environ=TWO) as served:
        started = [*served.server_processes(), served.worker()]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        assert not any(map(is_running, started))


def test_they_end_with_the_first_one_however_that_ends(tmp_path, slow_model):
    environ = {**TWO, "SERVER_MODEL_PROCESSES": "2"}
    with serving(tmp_path, slow_model, program=VISIBLE, environ=environ) as served:
        worker = served.worker()
        started = [*served.server_processes(), worker, *children(worker), *served.model_processes()]
        assert len(started) == 5
        served.process.kill()
        served.process.wait(30)
        wait_for(lambda: not any(map(is_running, started)))


@pytest.mark.long
def test_requests_under_way_in_every_process_end(tmp_path, slow_model):
    with (
        serving(tmp_path, slow_model, program=VISIBLE, environ=TWO) as served,
        contextlib.ExitStack() as stack,
    ):
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
    with serving(tmp_path, slow_model, program=VISIBLE, environ=TWO) as served:
        (server_process,) = served.server_processes()
        os.kill(server_process, signal.SIGKILL)
        assert served.process.wait(30) == 31
        assert (
            "a process of the server ended by signal SIGKILL: the server ends, to be started again"
            in served.log.read_text()
        )


def test_a_process_of_the_model_that_dies_is_replaced_while_others_answer(tmp_path, slow_model):
    with serving(
        tmp_path, slow_model, program=VISIBLE, environ={**TWO, "SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        worker = served.worker()
        wait_for(lambda: len(served.model_processes()) == 2 and ready_everywhere(served))
        before = set(served.model_processes())
        response = served.post("/predict", number(-1))
        assert response.status_code == 503
        assert post_by_each(served)[0] == [200] * 8
        assert served.client.get("/health/status").status_code == 200
        wait_for(lambda: len(served.model_processes()) == 2)
        assert len(before & set(served.model_processes())) == 1
        assert served.worker() == worker
        said = "a process of the model ended by signal SIGKILL; starting it again in 0.5 s"
        wait_for(lambda: said in served.log.read_text())


def test_when_all_of_the_model_dies_nothing_is_left_and_it_is_started_again(tmp_path, slow_model):
    with serving(
        tmp_path, slow_model, program=VISIBLE, environ={**TWO, "SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        worker = served.worker()
        forked = [*children(worker), *served.model_processes()]
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: not any(map(is_running, forked)))
        wait_for(lambda: ready_everywhere(served))
        assert served.worker() != worker


def test_processes_of_a_model_with_threads_load_it_one_after_the_other(tmp_path):
    """Forks would lack the threads. One that dies is replaced while the others answer."""
    folder = coded(tmp_path / "threaded", THREADED.format(loaded=str(tmp_path / "loaded")))
    environ = {**TWO, "SERVER_MODEL_PROCESSES": "3"}
    with serving(tmp_path, folder, program=VISIBLE, environ=environ) as served:
        wait_for(lambda: len(served.model_processes()) == 3 and ready_everywhere(served))
        said = "3 processes load it, one after the other, and have "
        wait_for(lambda: said in served.log.read_text())
        assert "since loading it has started 1 thread" in served.log.read_text()
        wait_for(lambda: (tmp_path / "loaded").read_text().count("end") == 3)
        assert (tmp_path / "loaded").read_text().split() == ["begin", "end"] * 3
        worker, before = served.worker(), set(served.model_processes())
        answered = set()

        def post(_):
            return served.post("/predict", number(0)).json()["data"]["ndarray"][0][0]

        def all_have_answered():
            answered.update(pool.map(post, range(8)))
            return answered == before

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            wait_for(all_have_answered)
        os.kill(min(before), signal.SIGKILL)
        assert post_by_each(served)[0] == [200] * 8
        wait_for(lambda: len(served.model_processes()) == 3)
        assert set(served.model_processes()) & before == before - {min(before)}
        wait_for(lambda: (tmp_path / "loaded").read_text().count("end") == 4)
        assert served.worker() == worker
        started = [worker, *served.model_processes()]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        assert not any(map(is_running, started))


def test_a_process_that_cannot_load_the_model_again_is_tried_again_while_others_answer(tmp_path):
    """By the second one's first attempt the file is gone that the model needs."""
    needed = tmp_path / "needed"
    needed.touch()
    folder = coded(tmp_path / "threaded", NEEDY.format(needed=str(needed)))
    with serving(
        tmp_path, folder, program=VISIBLE, environ={**REST, "SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        said = "a process of the model ended with exit code 1; starting it again in 1.0 s"
        wait_for(lambda: said in served.log.read_text())
        assert served.post("/predict", number(7)).json()["data"]["ndarray"] == [[7]]
        health = served.client.get("/health/status")
        assert (health.status_code, health.json()["strData"]) == (
            200,
            "healthy: 1 of 2 processes of the model run",
        )
        needed.touch()
        wait_for(lambda: served.client.get("/health/status").json()["strData"] == "healthy")
        assert len(served.model_processes()) == 2
        log = served.log.read_text()
        assert "FileNotFoundError" in log


@pytest.mark.parametrize("threads", [False, True], ids=["forked", "loaded"])
def test_a_process_that_dies_is_replaced_where_what_it_has_forked_lives_on(tmp_path, threads):
    """That holds all its sockets open."""
    folder = coded(tmp_path / "forking", (THREAD if threads else "") + FORKING)
    with serving(
        tmp_path, folder, program=VISIBLE, environ={**REST, "SERVER_MODEL_PROCESSES": "2"}
    ) as served:
        wait_for(lambda: served.client.get("/health/status").json()["strData"] == "healthy")
        for count in (1, 2, 3):
            answer = served.post("/predict", number(-1))
            assert (answer.status_code, "ended before it answered" in answer.text) == (503, True)
            assert served.post("/predict", number(7)).status_code == 200
            said = "a process of the model ended with exit code 3; starting it again"
            wait_for(lambda count=count, said=said: served.log.read_text().count(said) == count)
            wait_for(lambda: served.client.get("/health/status").json()["strData"] == "healthy")
        started = children(served.process.pid)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        assert not any(map(is_running, started))


def test_a_process_that_takes_too_long_to_load_the_model_again_is_killed(tmp_path):
    folder = coded(tmp_path / "slow", SLOW.format(first=str(tmp_path / "first")))
    environ = {**REST, "SERVER_MODEL_PROCESSES": "2", "SERVER_LOAD_SECONDS": "5"}
    with serving(tmp_path, folder, program=VISIBLE, environ=environ) as served:
        said = "is killed, since it took more than 5 seconds to load it; raise SERVER_LOAD_SECONDS if it may"
        wait_for(lambda: said in served.log.read_text())
        wait_for(lambda: "a process of the model ended by signal SIGKILL" in served.log.read_text())
        assert served.post("/predict", number(7)).json()["data"]["ndarray"] == [[7]]
        restarts = "seldon_mlflow_server_model_restarts_total"
        metrics = httpx.get(f"http://127.0.0.1:{served.health_port}/metrics").text
        (line,) = [
            line for line in metrics.splitlines() if line.startswith(restarts) and "load_timeout" in line
        ]
        assert float(line.split()[-1]) >= 1


def test_the_first_of_several_processes_that_dies_as_it_loads_the_model_is_told_of(tmp_path):
    folder = coded(tmp_path / "deadly", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    environ = {"SERVER_MODEL_PROCESSES": "2"}
    with serving(tmp_path, folder, ready=False, program=VISIBLE, environ=environ) as served:
        assert served.process.wait(60) == 30
        said = "the model's process ended by signal SIGKILL while it loaded the model"
        assert said in served.log.read_text()


@pytest.mark.long
@pytest.mark.parametrize("processes", ["1", "2"])
def test_what_waits_too_long_or_too_much_is_refused(tmp_path, slow_model, processes):
    limits = {
        "SERVER_QUEUE_CALLS": "3",
        "SERVER_DEADLINE_SECONDS": "3",
        "SERVER_GRACE_SECONDS": "60",
        "SERVER_EDGE_PROCESSES": processes,
    }
    with serving(tmp_path, slow_model, program=VISIBLE, environ=limits) as served:
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
