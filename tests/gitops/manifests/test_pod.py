"""The typed view of a PodSpec."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import is_seldon_deployment, seldon_deployment
from tests.project import MANIFESTS

POD = "spec.predictors[0].componentSpecs[0].spec"


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    (entry,) = filter(is_seldon_deployment, build(MANIFESTS / "overlays/model"))
    return entry


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
