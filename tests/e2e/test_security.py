from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.security import breaches, privileges
from tests.e2e.tree import Tree
from tests.project import MANIFESTS

# What the kernel says of a process in a container that is locked down.
PROCESS = {
    "user": 65532,
    "capabilities": 0,
    "no new privileges": 1,
    "seccomp": 2,
    "root file system": "Read-only file system",
}


@pytest.fixture
def pod(tmp_path: Path) -> dict[str, Any]:
    """A pod of the model's overlay, with an orchestrator as the operator adds it, which drops no capability."""
    (manifest,) = Tree.copy(MANIFESTS, tmp_path, "seldon-e2e-1").render("model").overlay.predictor.pods
    spec = copy.deepcopy(dict(manifest.raw))
    spec["containers"].append(
        {"name": "seldon-container-engine", "image": "seldonio/seldon-core-executor:1.17.1"}
    )
    return {"metadata": {"name": "model-0"}, "spec": spec, "status": {}}


def test_the_projects_containers_meet_restricted_whatever_the_orchestrator_does(pod: dict[str, Any]) -> None:
    assert breaches([pod]) == []


def test_what_the_cluster_changed_is_seen(pod: dict[str, Any]) -> None:
    pod["spec"]["containers"][0]["securityContext"]["capabilities"] = {"drop": ["NET_RAW"]}
    pod["spec"]["securityContext"] = {"runAsUser": 0}
    assert breaches([pod])[-4:] == [
        "Pod model-0: spec.containers[0].securityContext.capabilities.drop is ['NET_RAW'] (capabilities)",
        "Pod model-0: spec.initContainers[0]: seccompProfile.type is not set (seccomp)",
        "Pod model-0: spec.initContainers[1]: seccompProfile.type is not set (seccomp)",
        "Pod model-0: spec.containers[0]: seccompProfile.type is not set (seccomp)",
    ]


def test_a_process_that_may_do_nothing() -> None:
    assert privileges(PROCESS) == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("user", 0, "it runs as root"),
        ("capabilities", 0xA80425FB, "it has the capabilities 0xa80425fb"),
        ("no new privileges", 0, "it may gain privileges"),
        ("seccomp", 0, "no seccomp profile filters its system calls"),
        ("root file system", "writable", "its root file system is not read-only (writable)"),
        (
            "root file system",
            "Permission denied",
            "its root file system is not read-only (Permission denied)",
        ),
    ],
)
def test_a_process_that_may_do_too_much(field: str, value: object, said: str) -> None:
    assert privileges({**PROCESS, field: value}) == [said]
