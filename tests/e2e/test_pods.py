from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gitops.manifests.pod import read_pod
from gitops.manifests.unstructured import Unstructured
from tests.e2e.pods import ending, is_of, ready, summary, troubles

SPEC: dict[str, Any] = {
    "volumes": [
        {"name": "tmp", "emptyDir": {}},
        {"name": "requirements", "configMap": {"name": "model-requirements-1", "optional": True}},
    ],
    "initContainers": [
        {"name": "model-initializer", "image": "a/server@sha256:1", "args": ["fetch", "s3://b/c"]},
        {"name": "model-environment", "image": "a/server@sha256:1", "args": ["environment"]},
    ],
    "containers": [{"name": "model", "image": "a/server@sha256:1", "args": ["serve"]}],
}
MANIFEST = read_pod(Unstructured("SeldonDeployment model", "", SPEC))


def pod(**status: Any) -> dict[str, Any]:
    """A pod as the cluster keeps it: with what operator, kubelet and admission add."""
    spec = copy.deepcopy(SPEC)
    spec["volumes"].append({"name": "seldon-podinfo", "downwardAPI": {}})
    spec["containers"][0] |= {"env": [{"name": "PREDICTIVE_UNIT_ID", "value": "model"}]}
    spec["containers"].append({"name": "seldon-container-engine", "image": "seldonio/executor:1.17.1"})
    return {"metadata": {"name": "model-0"}, "spec": spec, "status": status}


READY = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])


def test_a_pod_that_is_ready() -> None:
    assert ready(READY)
    assert summary([READY]) == "model-0 ready"
    assert summary([READY], "model") == "0 ready"
    assert troubles([READY]) == []


def test_a_pod_that_ends_serves_no_more() -> None:
    gone = copy.deepcopy(READY)
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert ending(gone)
    assert not ready(gone)
    assert summary([gone, READY]) == "model-0 ends, model-0 ready"


def test_no_pod() -> None:
    assert summary([]) == "no pod yet"


def test_whatever_the_operator_adds_a_pod_is_of_its_manifest() -> None:
    assert is_of(READY, MANIFEST)


def image(found: dict[str, Any]) -> None:
    found["spec"]["containers"][0]["image"] = "a/server@sha256:2"


def model(found: dict[str, Any]) -> None:
    found["spec"]["initContainers"][0]["args"][1] = "s3://b/d"


def lock(found: dict[str, Any]) -> None:
    found["spec"]["volumes"][1]["configMap"]["name"] = "model-requirements-2"


def container(found: dict[str, Any]) -> None:
    del found["spec"]["initContainers"][1]


@pytest.mark.parametrize("change", [image, model, lock, container])
def test_a_pod_of_another_manifest(change: Callable[[dict[str, Any]], None]) -> None:
    other = copy.deepcopy(READY)
    change(other)
    assert not is_of(other, MANIFEST)


def test_a_pull_that_fails_is_told_as_the_kubelet_tells_it() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image: 401 Unauthorized"}
    found = pod(
        phase="Pending", initContainerStatuses=[{"name": "model-initializer", "state": {"waiting": waiting}}]
    )
    assert summary([found]) == "model-0 model-initializer: ImagePullBackOff"
    assert troubles([found]) == [
        "model-0, container model-initializer: ImagePullBackOff: Back-off pulling image: 401 Unauthorized"
    ]


def test_a_container_that_ends_again_and_again_is_told_by_its_last_words() -> None:
    status = {
        "name": "model-initializer",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        "lastState": {"terminated": {"message": "ERROR fetch: the pinned one is sha256:1\n"}},
    }
    assert troubles([pod(phase="Pending", initContainerStatuses=[status])]) == [
        "model-0, container model-initializer: CrashLoopBackOff: ERROR fetch: the pinned one is sha256:1"
    ]


def test_a_pod_without_a_node() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu.",
    }
    assert troubles([pod(phase="Pending", conditions=[condition])]) == [
        "model-0 has no node: 0/1 nodes are available: 1 Insufficient cpu."
    ]


def test_a_pod_that_starts_has_no_trouble() -> None:
    found = pod(
        phase="Pending",
        initContainerStatuses=[
            {"name": "model-initializer", "state": {"terminated": {"exitCode": 0}}},
            {"name": "model-environment", "state": {"running": {}}},
        ],
        containerStatuses=[{"name": "model", "state": {"waiting": {"reason": "PodInitializing"}}}],
    )
    assert summary([found]) == "model-0 model-environment runs"
    assert troubles([found]) == []
