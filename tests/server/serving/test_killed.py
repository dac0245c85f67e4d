"""A process of the model that is killed while many calls, over REST and gRPC, wait for it."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import threading
from contextlib import ExitStack, contextmanager

import grpc
import httpx
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from tests.polling import wait_for
from tests.server.running_server import serving
from tests.server.scraping import calls_waiting

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("killed")]

EACH = 16
ENDED = "the model's process ended before it answered; it is being started again: send the request again"
# What comes after that, which is for a busy machine to say.
LATER = "the model is not loaded; send the request again when /health/status answers 200"


def sent(value):
    tensor = Tensor(shape=[1, 1], values=[value])
    return SeldonMessage(data=DefaultData(tensor=tensor)).SerializeToString()


def ran(served):
    return served.log.read_text().count("ran ")


def ready_everywhere(served):
    """Return whether each process of the server, which get connections in turn, is ready."""
    url = f"{served.client.base_url}/health/status"
    with ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(timeout=30)) for _ in range(8)]
        return {client.get(url).status_code for client in clients} == {200}


@contextmanager
def statuses(served):
    """Give the statuses that /health/status answers meanwhile, one after the other."""
    seen, over = [], threading.Event()

    def look():
        with httpx.Client(base_url=served.client.base_url, timeout=30) as client:
            while not over.wait(0.05):
                seen.append(client.get("/health/status").status_code)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextmanager
def asked(served, value):
    """Ask by both interfaces at once; give calls that return the status and the reason, or the values."""

    def post():
        answer = client.post("/predict", json={"data": {"ndarray": [[value]]}})
        if answer.status_code == 200:
            return 200, answer.json()["data"]["ndarray"]
        assert answer.headers["retry-after"] == "1"
        return answer.status_code, answer.json()["status"]["info"]

    def said(call):
        if call.code() is grpc.StatusCode.OK:
            return grpc.StatusCode.OK, [list(SeldonMessage.FromString(call.result()).data.tensor.values)]
        assert ("grpc-retry-pushback-ms", "1000") in call.trailing_metadata()
        return call.code(), call.details()

    with (
        httpx.Client(base_url=served.client.base_url, timeout=30) as client,
        concurrent.futures.ThreadPoolExecutor(EACH) as pool,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        method = channel.unary_unary("/seldon.protos.Model/Predict")
        by_rest = [pool.submit(post) for _ in range(EACH)]
        by_grpc = [method.future(sent(value), timeout=30) for _ in range(EACH)]
        yield lambda: ([call.result() for call in by_rest], [said(call) for call in by_grpc])


def assert_told(by_rest, by_grpc):
    """All got an answer, and the same by both interfaces."""
    assert (len(by_rest), len(by_grpc)) == (EACH, EACH)
    for answers, code in ((by_rest, 503), (by_grpc, grpc.StatusCode.UNAVAILABLE)):
        assert (code, ENDED) in answers
        assert {*answers} <= {(code, ENDED), (code, LATER)}


@pytest.mark.parametrize("server_processes", ["1", "2"])
def test_all_that_wait_are_told_to_come_again_and_readiness_is_gone_meanwhile(
    tmp_path, slow_model, server_processes
):
    with (
        serving(tmp_path, slow_model, environ={"SERVER_EDGE_PROCESSES": server_processes}) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        health = HealthStub(channel).Watch(HealthCheckRequest(), timeout=60)
        said = [next(health).status]
        wait_for(lambda: ready_everywhere(served))
        with statuses(served) as seen, asked(served, 20.0) as answers:
            wait_for(lambda: ran(served) == 1)
            wait_for(lambda: calls_waiting(served) == 2 * EACH)
            os.kill(served.worker(), signal.SIGKILL)
            by_rest, by_grpc = answers()
            said += [next(health).status for _ in range(2)]
            wait_for(lambda: 503 in seen and seen[-1] == 200)
        assert_told(by_rest, by_grpc)
        up, down = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
        assert said == [up, down, up]
        assert {*seen} == {200, 503}
        wait_for(lambda: ready_everywhere(served))
        with asked(served, 0.0) as answers:
            by_rest, by_grpc = answers()
        assert by_rest == [(200, [[0.0]])] * EACH
        assert by_grpc == [(grpc.StatusCode.OK, [[0.0]])] * EACH


def test_of_two_processes_the_other_goes_on(tmp_path, slow_model):
    with serving(tmp_path, slow_model, environ={"SERVER_MODEL_PROCESSES": "2"}) as served:
        wait_for(lambda: len(served.model_processes()) == 2)
        before = {*served.model_processes()}
        killed = min(before)
        with statuses(served) as seen, asked(served, 0.1) as answers:
            wait_for(lambda: ran(served) >= 2)
            os.kill(killed, signal.SIGKILL)
            by_rest, by_grpc = answers()
        lost = [answer for answer in (*by_rest, *by_grpc) if answer[1] == ENDED]
        # Of each interface, whose process has channels of its own, what it ran and the one after.
        assert 1 <= len(lost) <= 4
        assert len(by_rest) + len(by_grpc) - len(lost) == sum(
            answer in ((200, [[0.1]]), (grpc.StatusCode.OK, [[0.1]])) for answer in (*by_rest, *by_grpc)
        )
        assert {*seen} == {200}
        wait_for(lambda: len(served.model_processes()) == 2)
        assert before & {*served.model_processes()} == before - {killed}


def test_when_both_die_all_that_wait_are_told_and_readiness_is_gone_meanwhile(tmp_path, slow_model):
    with serving(tmp_path, slow_model, environ={"SERVER_MODEL_PROCESSES": "2"}) as served:
        wait_for(lambda: len(served.model_processes()) == 2)
        worker, before = served.worker(), served.model_processes()
        with statuses(served) as seen, asked(served, 20.0) as answers:
            wait_for(lambda: ran(served) == 2)
            wait_for(lambda: calls_waiting(served) == 2 * EACH)
            for process in before:
                os.kill(process, signal.SIGKILL)
            by_rest, by_grpc = answers()
            wait_for(lambda: 503 in seen and seen[-1] == 200)
        assert_told(by_rest, by_grpc)
        assert {*seen} == {200, 503}
        # The one that they are forked from goes on.
        assert served.worker() == worker
        wait_for(lambda: len(served.model_processes()) == 2)
        assert not {*served.model_processes()} & {*before}
