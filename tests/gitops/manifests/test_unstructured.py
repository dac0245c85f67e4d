"""One clear error where a rendered object has another shape than its kind."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gitops.errors import BadManifest
from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import is_seldon_deployment, seldon_deployment
from tests.project import MANIFESTS

POD = "spec.predictors[0].componentSpecs[0].spec"


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    (entry,) = filter(is_seldon_deployment, build(MANIFESTS / "overlays/model"))
    return entry


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
