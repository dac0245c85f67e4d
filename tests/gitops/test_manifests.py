"""The typed view of rendered SeldonDeployments."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadManifest
from gitops.kustomize import build
from gitops.manifests import SeldonDeployment, seldon_deployment, seldon_deployments

ROOT = Path(__file__).parents[2]
POD = "spec.predictors[0].componentSpecs[0].spec"


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    (entry,) = build(ROOT / "overlays/model")
    return entry


@pytest.fixture(scope="module")
def pipeline() -> SeldonDeployment:
    (deployment,) = seldon_deployments(build(ROOT / "overlays/pipeline"))
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


def test_what_a_container_says(rendered: dict[str, Any]) -> None:
    (pod,) = seldon_deployment(rendered).predictors[0].pods
    initializer = pod.init_containers[0]
    assert initializer.args[0] == "fetch"
    assert initializer.command == ()
    assert [entry.secret for entry in initializer.env_from] == ["seldon-init-container-secret"]
    (container,) = pod.containers
    assert container.path == f"{POD}.containers[0]"
    assert {entry.mount_path: entry.read_only for entry in container.mounts} == {
        "/mnt/models": True,
        "/mnt/environment": True,
        "/tmp": False,
    }
    volume = pod.volume("tmp")
    assert volume is not None
    assert (volume.kind, volume.source) == ("emptyDir", {"sizeLimit": "1Gi"})
    assert pod.volume("absent") is None
    assert pod.image_pull_secrets == ("mrx-ghcr",)


def test_of_two_variables_of_one_name_the_last_counts(rendered: dict[str, Any]) -> None:
    entry = copy.deepcopy(rendered)
    container = entry["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    variable = seldon_deployment(entry).predictors[0].containers[0].variable("A")
    assert variable is not None
    assert variable.value == "2"


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


def broken(rendered: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    entry = copy.deepcopy(rendered)
    inner: Any = entry
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return entry


PREDICTOR = ("spec", "predictors", 0)
CONTAINER = (*PREDICTOR, "componentSpecs", 0, "spec", "containers", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("metadata", "name"),
            None,
            "SeldonDeployment without name: metadata.name is nothing: must be a string",
        ),
        (
            (*PREDICTOR, "annotations", "seldon.io/no-engine"),
            True,
            "SeldonDeployment graph-iris-model: spec.predictors[0].annotations.seldon.io/no-engine is True: "
            "must be a string",
        ),
        (
            (*PREDICTOR, "replicas"),
            True,
            "SeldonDeployment graph-iris-model: spec.predictors[0].replicas is True: must be a whole number",
        ),
        (
            (*PREDICTOR, "graph", "children"),
            {"name": "x"},
            "SeldonDeployment graph-iris-model: spec.predictors[0].graph.children is {'name': 'x'}: must be a list",
        ),
        (
            (*PREDICTOR, "graph", "parameters", 1, "value"),
            3,
            "SeldonDeployment graph-iris-model: spec.predictors[0].graph.parameters[1].value is 3: must be a string",
        ),
        (
            (*CONTAINER, "args", 1),
            9000,
            f"SeldonDeployment graph-iris-model: {POD}.containers[0].args[1] is 9000: must be a string",
        ),
        (
            (*CONTAINER, "env", 0),
            "A=1",
            f"SeldonDeployment graph-iris-model: {POD}.containers[0].env[0] is 'A=1': must be an object",
        ),
        (
            (*CONTAINER, "volumeMounts", 0, "readOnly"),
            "true",
            f"SeldonDeployment graph-iris-model: {POD}.containers[0].volumeMounts[0].readOnly is 'true': "
            "must be true or false",
        ),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_bad_shape_is_named(
    rendered: dict[str, Any], path: tuple[str | int, ...], value: Any, message: str
) -> None:
    with pytest.raises(BadManifest) as caught:
        seldon_deployment(broken(rendered, path, value))
    assert str(caught.value) == message
