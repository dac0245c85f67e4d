"""More calls over gRPC than the model takes: refused at once with when to try again, or dropped at their deadline."""

from __future__ import annotations

import json
from contextlib import contextmanager

import grpc
import httpx
import pytest

from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from tests.polling import wait_for
from tests.server.running_server import serving
from tests.server.scraping import calls_waiting

pytestmark = pytest.mark.xdist_group("overload")

LIMITS = {"SERVER_QUEUE_CALLS": "3", "SERVER_DEADLINE_SECONDS": "3", "SERVER_GRACE_SECONDS": "60"}
FULL = "3 requests wait for the model: no more may; send the request again later, or raise SERVER_QUEUE_CALLS"
LATE = "the model has not answered in 3 seconds: send fewer rows or requests at a time, or raise SERVER_DEADLINE_SECONDS"
# A first try and another.
RETRYING = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 2,
                "initialBackoff": "0.01s",
                "maxBackoff": "0.01s",
                "backoffMultiplier": 1,
                "retryableStatusCodes": ["RESOURCE_EXHAUSTED"],
            },
        }
    ]
}


@pytest.fixture(scope="module")
def served(tmp_path_factory, slow_model):
    with serving(tmp_path_factory.mktemp("served"), slow_model, environ=LIMITS) as running:
        yield running


def sent(value):
    tensor = Tensor(shape=[1, 1], values=[value])
    return SeldonMessage(data=DefaultData(tensor=tensor)).SerializeToString()


@contextmanager
def calling(served, **options):
    """Give a method that calls the model with a value, and a future of the answer."""
    arguments = [(f"grpc.{name}", value) for name, value in options.items()]
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}", arguments) as channel:
        method = channel.unary_unary("/seldon.protos.Model/Predict")
        yield lambda value: method.future(sent(value), timeout=30)


def ran(served):
    return [float(line[4:]) for line in served.printed("ran ")]


def fill(served, call, *values):
    """Return calls by gRPC, of which the first runs and the others wait in the server or the model's process."""
    running = call(values[0])
    wait_for(lambda: values[0] in ran(served))
    waiting = [call(value) for value in values[1:]]
    wait_for(lambda: calls_waiting(served) == len(values))
    return [running, *waiting]


def test_a_call_that_is_one_too_many_is_refused_at_once_and_told_when_to_come_again(served):
    with calling(served) as call:
        calls = fill(served, call, 1.5, 0.001, 0.002)
        refused = call(0.003)
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        by_rest = httpx.post(f"{served.client.base_url}/predict", json={"data": {"ndarray": [[0.003]]}})
        assert not calls[0].done()
        assert refused.details() == FULL
        assert ("grpc-retry-pushback-ms", "1000") in refused.trailing_metadata()
        assert (by_rest.status_code, by_rest.headers["retry-after"]) == (503, "1")
        assert by_rest.json()["status"]["info"] == FULL
        assert [each.code() for each in calls] == [grpc.StatusCode.OK] * 3
    assert 0.003 not in ran(served)


def test_a_client_that_retries_comes_again_when_it_was_told_to(served):
    with calling(served) as call, calling(served, service_config=json.dumps(RETRYING)) as retrying:
        calls = fill(served, call, 0.6, 0.004, 0.005)
        assert retrying(0.006).code() is grpc.StatusCode.OK
        assert [each.code() for each in calls] == [grpc.StatusCode.OK] * 3


@pytest.mark.long
def test_calls_that_the_model_does_not_answer_in_time_end_and_those_that_wait_are_not_run(served):
    with calling(served) as call:
        calls = fill(served, call, 4.0, 0.007, 0.008)
        assert {(each.code(), each.details()) for each in calls} == {
            (grpc.StatusCode.DEADLINE_EXCEEDED, LATE)
        }
        assert call(0.009).code() is grpc.StatusCode.OK
    assert ran(served)[-2:] == [4.0, 0.009]
