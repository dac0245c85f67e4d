"""The typed view of rendered SeldonDeployments."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import (
    SeldonDeployment,
    is_seldon_deployment,
    seldon_deployment,
    seldon_deployments,
)
from tests.project import MANIFESTS


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    (entry,) = filter(is_seldon_deployment, build(MANIFESTS / "overlays/model"))
    return entry


@pytest.fixture(scope="module")
def pipeline() -> SeldonDeployment:
    (deployment,) = seldon_deployments(build(MANIFESTS / "overlays/pipeline"))
    return deployment


def test_names_and_namespace(rendered: dict[str, Any]) -> None:
    deployment = seldon_deployment(rendered)
    assert (deployment.name, deployment.namespace) == ("graph-iris-model", "seldon")
    assert deployment.title == "SeldonDeployment graph-iris-model"


def test_other_kinds_are_left_out(rendered: dict[str, Any]) -> None:
    others = [
        {"apiVersion": "v1", "kind": "ConfigMap"},
        {"apiVersion": "example.com/v1", "kind": "SeldonDeployment"},
        {},
    ]
    assert [entry.name for entry in seldon_deployments([*others, rendered])] == ["graph-iris-model"]


def test_the_graph_is_walked_parents_first(pipeline: SeldonDeployment) -> None:
    (predictor,) = pipeline.predictors
    assert [(node.name, node.type) for node in predictor.graph.walk()] == [
        ("preprocessor", "TRANSFORMER"),
        ("postprocessor", "OUTPUT_TRANSFORMER"),
        ("model", "MODEL"),
    ]


def test_containers_are_in_the_order_in_which_the_operator_numbers_their_ports(
    pipeline: SeldonDeployment,
) -> None:
    (predictor,) = pipeline.predictors
    assert [container.name for container in predictor.containers] == [
        "preprocessor",
        "postprocessor",
        "model",
    ]


def test_a_node_is_found_in_its_pod(pipeline: SeldonDeployment) -> None:
    (predictor,) = pipeline.predictors
    pod = predictor.pod_of("model")
    assert pod is not None
    assert [container.name for container in pod.init_containers] == ["model-initializer", "model-environment"]
    assert pod.container("model-initializer") is None
    assert predictor.pod_of("absent") is None


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"seldon.io/no-engine": "true"}, True),
        ({"seldon.io/no-engine": "True"}, True),
        ({"seldon.io/no-engine": "false"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_no_engine_is_judged_as_the_operator_does(
    rendered: dict[str, Any], annotations: dict[str, str] | None, expected: bool
) -> None:
    entry = copy.deepcopy(rendered)
    entry["spec"]["predictors"][0]["annotations"] = annotations
    assert seldon_deployment(entry).predictors[0].no_engine is expected
