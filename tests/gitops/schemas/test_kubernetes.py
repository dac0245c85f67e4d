"""Schemas made from the OpenAPI document of the Kubernetes release that Seldon Core was built for."""

from __future__ import annotations

import pytest

from gitops.schemas import kubernetes
from gitops.schemas.kubernetes import deduplicated, without_descriptions


def test_equal_objects_are_one_definition() -> None:
    leaf = {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}
    inner = {"type": "object", "properties": {"leaf": leaf}}
    found = deduplicated({"properties": {"one": inner, "list": {"items": inner}}, "$defs": {"kept": {}}})
    one = found["properties"]["one"]
    assert found["properties"]["list"] == {"items": one}
    definitions = found["$defs"]
    assert len(definitions) == 3
    (reference,) = definitions[one["$ref"].rpartition("/")[2]]["properties"].values()
    assert definitions[reference["$ref"].rpartition("/")[2]] == leaf


def test_a_property_that_is_called_description_is_kept() -> None:
    schema = {"description": "text", "properties": {"description": {"description": "x", "type": "string"}}}
    assert without_descriptions(schema) == {"properties": {"description": {"type": "string"}}}


POD = "io.k8s.api.core.v1.PodSpec"


@pytest.fixture(scope="module")
def pod() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = kubernetes.pod_definitions({POD})["$defs"]
    return found


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (POD, "hostUsers"),
        (POD, "schedulingGates"),
        (POD, "resourceClaims"),
        ("io.k8s.api.core.v1.TopologySpreadConstraint", "matchLabelKeys"),
        ("io.k8s.api.core.v1.TopologySpreadConstraint", "nodeAffinityPolicy"),
        ("io.k8s.api.core.v1.TopologySpreadConstraint", "nodeTaintsPolicy"),
        ("io.k8s.api.core.v1.Container", "restartPolicy"),
        ("io.k8s.api.core.v1.Container", "resizePolicy"),
        ("io.k8s.api.core.v1.LifecycleHandler", "sleep"),
        ("io.k8s.api.core.v1.Volume", "image"),
        ("io.k8s.api.core.v1.ResourceRequirements", "claims"),
    ],
)
def test_a_pod_has_no_field_that_came_after_kubernetes_1_24(
    pod: dict[str, dict[str, object]], definition: str, field: str
) -> None:
    assert field not in pod[definition]["properties"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (POD, "topologySpreadConstraints"),
        (POD, "os"),
        ("io.k8s.api.core.v1.TopologySpreadConstraint", "minDomains"),
        ("io.k8s.api.core.v1.Probe", "grpc"),
        ("io.k8s.api.core.v1.SecurityContext", "seccompProfile"),
    ],
)
def test_a_pod_has_what_kubernetes_1_24_had(
    pod: dict[str, dict[str, object]], definition: str, field: str
) -> None:
    assert field in pod[definition]["properties"]  # type: ignore[operator]


def test_nothing_that_is_referred_to_is_missing(pod: dict[str, dict[str, object]]) -> None:
    from gitops.schemas.kubernetes import references

    assert {name.rpartition("/")[2] for name in references(pod)} <= pod.keys()
