"""What the page of a run asks for: how the deployments are, live, and the logs of containers."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.gitops.local.conftest import Running
from tests.project import MANIFESTS

pytestmark = pytest.mark.xdist_group("run")

DIGEST = json.loads((MANIFESTS / "overlays/model/contract.json").read_text())["digest"]


def deployments(running: Running) -> dict[str, Any]:
    return {entry["name"]: entry for entry in running.client.get("/demo/deployments").json()}


def test_every_overlay_is_told_with_its_state(running: Running) -> None:
    states = {name: entry["state"] for name, entry in deployments(running).items()}
    failed = ("wrong-digest", "no-model", "foreign-image", "no-build")
    ready = ("model", "preprocessor", "postprocessor", "pipeline", "orchestrated")
    assert states == {**dict.fromkeys(failed, "failed"), **dict.fromkeys(ready, "ready")}


def test_one_that_failed_says_why_with_the_end_of_the_log(running: Running) -> None:
    said = deployments(running)["wrong-digest"]
    assert said["reason"] == "init container model-initializer ended with exit code 13"
    assert f"the pinned one is sha256:{'0' * 64}" in said["detail"]
    assert [(step["container"], step["verb"], step["state"]) for step in said["steps"]] == [
        ("model-initializer", "fetch", "failed"),
        ("model-environment", "environment", "waiting"),
        ("model", "serve", "waiting"),
    ]
    # It did not even render.
    assert "missing.yaml" in json.dumps(deployments(running)["no-build"])


def test_a_graph_is_told_as_a_request_passes_it(running: Running) -> None:
    said = deployments(running)["pipeline"]
    assert said["flow"] == ["preprocessor", "model", "postprocessor"]
    assert said["orchestrator"] is True
    assert {name: node["type"] for name, node in said["nodes"].items()} == {
        "preprocessor": "TRANSFORMER",
        "model": "MODEL",
        "postprocessor": "OUTPUT_TRANSFORMER",
    }
    assert all(step["state"] == "done" and step["seconds"] > 0 for step in said["steps"])
    assert len(said["steps"]) == 9


def test_a_model_is_told_as_its_files_say(running: Running) -> None:
    model = deployments(running)["model"]["nodes"]["model"]["model"]
    assert (model["digest"], model["uri"]) == (DIGEST, "s3://mlflow/artifacts/iris_svm_model")
    assert model["contract"]["flavors"]["sklearn"]
    assert [column["type"] for column in model["contract"]["inputs"]] == ["double"] * 4
    assert any(entry.startswith("scikit-learn==") for entry in model["locked"])
    assert not any("--hash" in entry for entry in model["locked"])


def test_an_address_is_told_without_what_gives_access(running: Running) -> None:
    answer = running.client.get("/demo/deployments")
    assert "secret" not in answer.text
    model = deployments(running)["foreign-image"]["nodes"]["model"]["model"]
    assert (model["uri"], model["from"]) == ("https://models.example/iris.zip",) * 2


def test_a_contract_of_another_model_is_not_told_as_this_one_s(running: Running) -> None:
    model = deployments(running)["wrong-digest"]["nodes"]["model"]["model"]
    assert model["problem"] == f"wrong-digest/contract.json is of the model {DIGEST}: promote this one again"
    assert "contract" not in model


@pytest.mark.parametrize(
    ("name", "protocols"),
    [("model", ["seldon", "v2"]), ("pipeline", ["seldon"]), ("orchestrated", ["v2"])],
)
def test_the_requests_that_are_told_are_answered(running: Running, name: str, protocols: list[str]) -> None:
    requests = deployments(running)[name]["requests"]
    assert [request["protocol"] for request in requests] == protocols
    for request in requests:
        answer = running.client.post(request["path"], json=request["body"])
        assert answer.status_code == 200, answer.text


def test_where_no_request_is_expected_it_is_the_model_s_own_example(running: Running) -> None:
    """expected.json of this overlay has none."""
    (request,) = deployments(running)["orchestrated"]["requests"]
    assert [tensor["shape"] for tensor in request["body"]["inputs"]] == [[2]] * 4


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    lines = answer.iter_lines()
    for line in lines:
        if line.startswith("event: "):
            yield line.removeprefix("event: "), json.loads(next(lines).removeprefix("data: "))


def test_changes_are_told_as_they_happen(running: Running) -> None:
    path = "/seldon/seldon/graph-iris-preprocessor/nowhere"
    with running.client.stream("GET", "/demo/events") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        told = events(answer)
        kind, entries = next(told)
        assert (kind, len(entries)) == ("all", 9)
        running.client.post(path, json={})
        kind, (entry,) = next(told)
    assert (kind, entry["name"]) == ("changed", "preprocessor")
    last = entry["calls"][-1]
    assert (last["method"], last["path"], last["status"]) == ("POST", "/nowhere", 404)


def test_the_log_of_a_container_is_told(running: Running) -> None:
    log = running.client.get("/demo/logs/model/model")
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert "model sklearn.svm._classes.SVC loaded in" in log.text
    # One that has never been started has none, whatever an earlier run has left.
    assert running.client.get("/demo/logs/wrong-digest/model").text == ""


@pytest.mark.parametrize(
    ("path", "info"),
    [
        ("nothing/model", "no overlay 'nothing'"),
        ("model/other", "overlay model has the containers model-initializer, model-environment, model"),
        ("no-build/model", "overlay no-build has the containers none"),
        ("model/..%2F..%2Flock", "overlay model has the containers"),
    ],
)
def test_no_other_file_is_told(running: Running, path: str, info: str) -> None:
    answer = running.client.get(f"/demo/logs/{path}")
    assert answer.status_code == 404
    assert info in answer.json()["status"]["info"]


def test_the_page_runs_what_it_brings_and_asks_nobody_else(running: Running) -> None:
    answer = running.client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert (policy["default-src"], policy["connect-src"]) == ("'none'", "'self'")
    # The name of SVG, which nobody asks for.
    assert {*re.findall(r"https?://[^\"\s]+", answer.text)} == {"http://www.w3.org/2000/svg"}
