"""Calls whose client is gone: those that the model has not started with are not run."""

from __future__ import annotations

import concurrent.futures
import time

import grpc
import httpx
import pytest

from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from tests.polling import wait_for
from tests.server.running_server import serving

pytestmark = pytest.mark.xdist_group("cancel")

# The first is run at once, the second waits in the model's process, the others in the server.
WAITING = 4


@pytest.fixture(scope="module")
def served(tmp_path_factory, slow_model):
    with serving(tmp_path_factory.mktemp("served"), slow_model) as running:
        yield running


def sent(value):
    tensor = Tensor(shape=[1, 1], values=[value])
    return SeldonMessage(data=DefaultData(tensor=tensor)).SerializeToString()


def number(value):
    return {"data": {"ndarray": [[value]]}}


def ran(served):
    lines = served.log.read_text().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith("ran ")]


def wait_until_it_runs(served, value):
    wait_for(lambda: value in ran(served))


def by_grpc_cancel(served, values):
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        method = channel.unary_unary("/seldon.protos.Model/Predict")
        calls = [method.future(sent(value), timeout=30) for value in values]
        time.sleep(0.3)
        for call in calls:
            call.cancel()
        assert all(call.code() is grpc.StatusCode.CANCELLED for call in calls)


def by_grpc_deadline(served, values):
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        method = channel.unary_unary("/seldon.protos.Model/Predict")
        calls = [method.future(sent(value), timeout=0.3) for value in values]
        assert all(call.code() is grpc.StatusCode.DEADLINE_EXCEEDED for call in calls)


def by_rest_disconnect(served, values):
    def post(value):
        with pytest.raises(httpx.ReadTimeout):
            served.post("/predict", number(value), timeout=0.3)

    with concurrent.futures.ThreadPoolExecutor(len(values)) as pool:
        list(pool.map(post, values))


@pytest.mark.parametrize("leave", [by_grpc_cancel, by_grpc_deadline, by_rest_disconnect])
def test_a_call_whose_client_has_gone_is_not_run(served, leave):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # A value of its own tells the runs of each case apart.
        first = 2 + 0.001 * len(ran(served))
        running = pool.submit(served.post, "/predict", number(first))
        wait_until_it_runs(served, first)
        before = ran(served)
        leave(served, [0.001 * index for index in range(1, WAITING + 1)])
        assert served.post("/predict", number(0.1)).status_code == 200
        assert running.result().status_code == 200
    assert ran(served) == [*before, 0.1]


def test_a_call_that_is_cancelled_while_it_runs_leaves_the_next_in_order(served):
    before = ran(served)
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        call = channel.unary_unary("/seldon.protos.Model/Predict").future(sent(0.9), timeout=30)
        wait_until_it_runs(served, 0.9)
        call.cancel()
    answers = [served.post("/predict", number(value)).json() for value in (0.01, 0.02)]
    assert [answer["data"]["ndarray"] for answer in answers] == [[[0.01]], [[0.02]]]
    assert ran(served) == [*before, 0.9, 0.01, 0.02]


def test_calls_that_wait_for_a_process_that_dies_are_told(tmp_path, slow_model):
    with (
        serving(tmp_path, slow_model) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        method = channel.unary_unary("/seldon.protos.Model/Predict")
        running = method.future(sent(1), timeout=30)
        wait_until_it_runs(served, 1)
        calls = [method.future(sent(-1), timeout=30) for _ in range(WAITING)]
        assert running.code() is grpc.StatusCode.OK
        said = {(call.code(), call.details()) for call in calls}
    assert said == {
        (
            grpc.StatusCode.UNAVAILABLE,
            "the model's process ended before it answered; it is being started again: send the request again",
        )
    }
    assert ran(served) == [1, -1]
