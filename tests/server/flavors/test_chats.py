"""Chats, agents and models that answer in parts, in their own environments: as MLflow's scoring server answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format

from server.protocol.proto.prediction_pb2 import SeldonMessage
from tests import pythons
from tests.polling import wait_for
from tests.server.flavors import making, page
from tests.server.flavors.matrix import CHATS, Logging
from tests.server.flavors.servers import Servers
from tests.server.running_server import Served

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("chats")]

ANSWERED = [
    pytest.param(logging, name, xtype, id=f"{name}-{xtype}-{logging}")
    for logging in CHATS
    for name in logging.models
    for xtype in ("ndarray", "DataFrame")
    if xtype == "ndarray" or name in ("chat", "signed")
]
ALL = [pytest.param(logging, name, id=f"{name}-{logging}") for logging in CHATS for name in logging.models]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("chats"))
    yield running
    running.end()


def cases(logging: Logging, name: str) -> tuple[Path, list[dict[str, object]]]:
    pythons.needs(logging.python)
    model = making.logged(logging) / name
    return model, making.expected(model)


@pytest.mark.parametrize(("logging", "name", "xtype"), ANSWERED)
def test_it_answers_as_mlflows_scoring_server(logging: Logging, name: str, xtype: str, servers):
    model, expected = cases(logging, name)
    for case in expected:
        served = servers(model, {"xtype": xtype})
        response = served.post("/predict", case["message"])
        assert response.status_code == 200, response.text
        assert response.json()["jsonData"] == case["answer"]
    wait_for(lambda: f"on Python {logging.python}." in served.log.read_text())


@pytest.mark.parametrize("logging", CHATS, ids=str)
def test_the_page_says_how_its_answers_compare_with_those_of_mlflow(logging: Logging):
    pythons.needs(logging.python)
    assert page.stated(logging) == set(page.rows(logging)), page.OUTDATED


@pytest.mark.parametrize(("logging", "name"), ALL)
def test_it_answers_in_the_parts_of_predict_stream(logging: Logging, name: str, servers):
    model, expected = cases(logging, name)
    served = servers(model, {"xtype": "ndarray"})
    for case in expected:
        for body in (case["message"]["jsonData"], case["message"]):
            response = served.post("/predict_stream", body)
            assert response.status_code == 200, response.text
            *events, done, rest = response.text.split("\n\n")
            assert (done, rest) == ("data: [DONE]", "")
            assert [json.loads(event.removeprefix("data: ")) for event in events] == case["parts"]


@contextmanager
def predicting(served: Served) -> Iterator[grpc.UnaryUnaryMultiCallable]:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        yield channel.unary_unary(
            "/seldon.protos.Seldon/Predict",
            request_serializer=SeldonMessage.SerializeToString,
            response_deserializer=SeldonMessage.FromString,
        )


@pytest.mark.parametrize(("logging", "name"), ALL)
def test_grpc_has_the_same_answer(logging: Logging, name: str, servers):
    if name == "plain":
        pytest.skip("without a signature numbers stay those of protobuf, which has no whole ones")
    model, expected = cases(logging, name)
    with predicting(servers(model, {"xtype": "ndarray"})) as predict:
        for case in expected:
            request = json_format.ParseDict(case["message"], SeldonMessage())
            answer = json_format.MessageToDict(predict(request, timeout=30))
            assert answer["jsonData"] == case["answer"]


@pytest.mark.parametrize("logging", CHATS, ids=str)
def test_what_mlflow_refuses_is_refused_with_a_message(logging: Logging, servers):
    model, _ = cases(logging, "chat")
    for path in ("/predict", "/predict_stream"):
        response = servers(model, {"xtype": "ndarray"}).post(path, {"jsonData": {"messages": "hi"}})
        assert response.status_code == 400
        assert response.json()["status"]["info"].startswith('jsonData.messages: "hi" must be an array')
