from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from server.pins.expectation import Expectation
from server.protocol.v2 import seldon_message
from tests.gitops.local.conftest import Running
from tests.project import MANIFESTS

pytestmark = pytest.mark.xdist_group("run")

MODEL = "/seldon/seldon/graph-iris-model"
PIPELINE = "/seldon/seldon/graph-iris-pipeline"
PREDICTIONS = "api/v1.0/predictions"
both = pytest.mark.parametrize("path", [MODEL, PIPELINE], ids=["container", "graph"])


def expected(overlay: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((MANIFESTS / "overlays" / overlay / "expected.json").read_text())
    return content


def status(answer: httpx.Response) -> dict[str, Any]:
    content: dict[str, Any] = answer.json()["status"]
    return content


@both
def test_what_a_container_refuses_comes_out_as_it_is(running: Running, path: str) -> None:
    answer = running.client.post(f"{path}/{PREDICTIONS}", content=b"{")
    assert answer.status_code == 400
    assert status(answer)["reason"] == "MICROSERVICE_BAD_DATA"
    assert status(answer)["info"].startswith("the body is not JSON")


@both
def test_what_is_too_large_for_a_container_is_refused_by_it(running: Running, path: str) -> None:
    answer = running.client.post(f"{path}/{PREDICTIONS}", content=b" " * (64 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert status(answer)["reason"] == "MICROSERVICE_BAD_DATA"


@both
def test_a_large_body_passes(running: Running, path: str) -> None:
    request = expected(path.rpartition("-")[2])["request"]
    request["data"]["ndarray"] *= 40_000
    answer = running.client.post(f"{path}/{PREDICTIONS}", json=request)
    assert len(answer.request.content) > 1024 * 1024
    assert len(answer.json()["data"]["ndarray"]) == 80_000


def test_a_graph_stops_at_the_node_that_refuses(running: Running) -> None:
    request = expected("pipeline")["request"]
    request["data"]["ndarray"] = [[1.0, 2.0]]
    answer = running.client.post(f"{PIPELINE}/{PREDICTIONS}", json=request)
    assert answer.status_code == 400
    assert status(answer)["info"].startswith("data.names has 4 names, the rows have 2 values")


@both
def test_health_is_that_of_the_containers(running: Running, path: str) -> None:
    for name in ("health/status", "api/v1.0/health/status"):
        assert running.client.get(f"{path}/{name}").status_code == 200


def test_metadata_is_that_of_a_node(running: Running) -> None:
    assert running.client.get(f"{MODEL}/metadata").json()["name"] == "model"
    for node in ("model", "preprocessor"):
        assert running.client.get(f"{PIPELINE}/api/v1.0/metadata/{node}").json()["name"] == node


def test_metadata_of_a_graph_is_that_of_all_its_nodes(running: Running) -> None:
    models = running.client.get(f"{PIPELINE}/api/v1.0/metadata").json()["models"]
    for node in ("preprocessor", "postprocessor", "model"):
        said = running.client.get(f"{PIPELINE}/api/v1.0/metadata/{node}").json()
        assert models[node] == {key: said[key] for key in models[node]}
        assert models[node]["versions"] == said["versions"]


def test_meta_accumulates_through_a_graph(running: Running) -> None:
    request = expected("pipeline")["request"] | {"meta": {"tags": {"from": "the client"}}}
    answer = running.client.post(f"{PIPELINE}/{PREDICTIONS}", json=request)
    assert answer.json()["meta"]["tags"] == {"from": "the client"}
    assert sorted(answer.json()["meta"]["requestPath"]) == ["model", "postprocessor", "preprocessor"]


def test_a_form_is_for_the_first_node_of_a_graph_only(running: Running) -> None:
    content = expected("pipeline")
    answer = running.client.post(f"{PIPELINE}/{PREDICTIONS}", data={"json": json.dumps(content["request"])})
    assert answer.json()["data"]["names"] == content["response"]["data"]["names"]


def test_a_request_through_a_graph_keeps_its_id_or_gets_one(running: Running) -> None:
    request = expected("pipeline")["request"]
    url = f"{PIPELINE}/{PREDICTIONS}"
    kept = running.client.post(url, json=request, headers={"Seldon-Puid": "mine"})
    assert kept.headers["Seldon-Puid"] == "mine"
    assert len(running.client.post(url, json=request).headers["Seldon-Puid"]) == 36


def test_a_query_reaches_the_container(running: Running) -> None:
    content = expected("model")
    answer = running.client.get(f"{MODEL}/predict", params={"json": json.dumps(content["request"])})
    assert answer.json()["data"]["names"] == content["response"]["data"]["names"]


@pytest.mark.parametrize("path", [f"/seldon/seldon/graph-iris/{PREDICTIONS}", "/", "/seldon/seldon"])
def test_an_unknown_deployment_is_answered_with_those_that_are_there(running: Running, path: str) -> None:
    answer = running.client.post(path, json={})
    assert answer.status_code == 404
    assert status(answer)["reason"] == "NO_SUCH_DEPLOYMENT"
    info = status(answer)["info"]
    assert info.startswith(f"{path}: no deployment answers here; there are ")
    assert f"{MODEL}/{PREDICTIONS}" in info
    assert f"{PIPELINE}/{PREDICTIONS}" in info


def test_an_unknown_path_of_a_graph_is_answered_with_those_that_it_has(running: Running) -> None:
    answer = running.client.get(f"{PIPELINE}/{PREDICTIONS}")
    assert answer.status_code == 404
    nodes = ", ".join(["preprocessor", "postprocessor", "model"])
    assert status(answer) == {
        "code": -1,
        "info": f"GET {PIPELINE}/{PREDICTIONS}: a graph answers POST api/v1.0/predictions, GET health/status, "
        f"GET api/v1.0/metadata and GET api/v1.0/metadata/<node> with <node> one of {nodes}",
        "reason": "NO_SUCH_PATH",
        "status": 1,
    }


def test_a_deployment_that_does_not_run_says_so(running: Running) -> None:
    answer = running.client.post(f"/seldon/seldon/graph-iris-wrong-digest/{PREDICTIONS}", json={})
    assert answer.status_code == 503
    assert status(answer) == {
        "code": -1,
        "info": "graph-iris-wrong-digest does not run: init container model-initializer ended with exit code 13",
        "reason": "DEPLOYMENT_NOT_AVAILABLE",
        "status": 1,
    }


ORCHESTRATED = "/seldon/seldon/graph-iris-orchestrated"
INFERENCE = seldon_message.request(expected("model")["request"])


@pytest.mark.parametrize(
    "name", ["model", "graph-iris-orchestrated"], ids=["of-the-node", "of-the-deployment"]
)
def test_an_orchestrator_of_the_open_inference_protocol_asks_its_node(running: Running, name: str) -> None:
    path = f"{ORCHESTRATED}/v2/models/{name}"
    answer = running.client.post(f"{path}/infer", json=INFERENCE)
    assert answer.status_code == 200, answer.text
    found = seldon_message.response(expected("model")["response"], answer.json())
    assert Expectation({}, expected("model")["response"]).differences(found) == []
    assert running.client.get(f"{path}/ready").json() == {"ready": True}
    assert running.client.get(path).json()["versions"] == [expected("model")["models"]["model"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", PREDICTIONS), ("GET", "v2/health/ready"), ("GET", "v2"), ("GET", "v2/models/model/infer")],
)
def test_it_answers_no_other_path(running: Running, method: str, path: str) -> None:
    answer = running.client.request(method, f"{ORCHESTRATED}/{path}")
    assert answer.status_code == 404
    assert status(answer)["info"] == (
        f"{method} {ORCHESTRATED}/{path}: a deployment with an orchestrator and the protocol v2 answers POST "
        "v2/models/model/infer, GET v2/models/model and GET v2/models/model/ready"
    )
