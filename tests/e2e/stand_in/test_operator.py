from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stand_in.operator import objects
from tests.e2e.tree import Tree
from tests.server.serving import ROOT

IMAGE = "registry.test:5000/team/orchestrator:1"


def made(tmp_path: Path, name: str) -> list[dict[str, Any]]:
    rendered = Tree.copy(ROOT, tmp_path, "seldon-e2e-1").render(name)
    raw = dict(rendered.overlay.deployment.raw)
    return objects({**raw, "metadata": {**raw["metadata"], "uid": "1"}}, IMAGE)


def services(found: list[dict[str, Any]]) -> dict[str, list[int]]:
    return {
        entry["metadata"]["name"]: [port["port"] for port in entry["spec"]["ports"]]
        for entry in found
        if entry["kind"] == "Service"
    }


def test_a_single_node_answers_itself(tmp_path: Path) -> None:
    found = made(tmp_path, "model")
    ports = [9000, 9500]
    assert services(found) == {"graph-iris-model-model": ports, "graph-iris-model-model-model": ports}
    assert {entry["metadata"]["namespace"] for entry in found} == {"seldon-e2e-1"}
    assert {entry["metadata"]["ownerReferences"][0]["name"] for entry in found} == {"graph-iris-model"}


@pytest.fixture
def orchestrator(tmp_path: Path) -> dict[str, Any]:
    deployments = [entry for entry in made(tmp_path, "pipeline") if entry["kind"] == "Deployment"]
    containers = [entry["spec"]["template"]["spec"]["containers"] for entry in deployments]
    assert [len(listed) for listed in containers] == [2, 1, 1]
    return dict(containers[0][1])


def test_a_graph_has_an_orchestrator_in_its_first_pod_that_restricted_refuses(
    orchestrator: dict[str, Any],
) -> None:
    assert (orchestrator["name"], orchestrator["image"]) == ("seldon-container-engine", IMAGE)
    assert "capabilities" not in orchestrator["securityContext"]


def test_it_asks_the_nodes_of_the_graph_in_order(orchestrator: dict[str, Any]) -> None:
    environ = {entry["name"]: json.loads(entry["value"]) for entry in orchestrator["env"]}
    assert environ == {
        "NODES": {
            "preprocessor": "http://127.0.0.1:9000",
            "postprocessor": "http://graph-iris-pipeline-pipeline-postprocessor:9001",
            "model": "http://graph-iris-pipeline-pipeline-model:9002",
        },
        "CALLS": [
            ["preprocessor", "/transform-input"],
            ["model", "/predict"],
            ["postprocessor", "/transform-output"],
        ],
    }


def test_a_graph_is_asked_at_its_orchestrator(tmp_path: Path) -> None:
    assert services(made(tmp_path, "pipeline"))["graph-iris-pipeline-pipeline"] == [8000, 5001]
