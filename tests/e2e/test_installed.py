from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.errors import E2eError
from tests.e2e.installed import PARTS, Operator, check, missing, operator
from tests.programs import program

# As the chart renders it.
DEPLOYMENT: dict[str, Any] = {
    "metadata": {
        "name": "seldon-controller-manager",
        "namespace": "seldon-system",
        "labels": {
            "control-plane": "seldon-controller-manager",
            "app.kubernetes.io/version": "1.17.1",
        },
    },
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "manager",
                        "image": "docker.io/seldonio/seldon-core-operator:1.17.1",
                        "args": ["--enable-leader-election", "--webhook-port=4443", ""],
                        "env": [
                            {"name": "WATCH_NAMESPACE", "value": ""},
                            {"name": "ISTIO_ENABLED", "value": "false"},
                            {"name": "ISTIO_GATEWAY", "value": "istio-system/seldon-gateway"},
                            {"name": "POD_NAMESPACE", "valueFrom": {}},
                        ],
                    }
                ]
            }
        }
    },
    "status": {"availableReplicas": 1},
}
TITLE = "operator seldon-system/seldon-controller-manager"


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    return deployment["spec"]["template"]["spec"]["containers"][0]


def test_all_that_is_missing_is_named_with_how_to_install_it() -> None:
    with pytest.raises(E2eError) as refused:
        missing(["seldondeployments.machinelearning.seldon.io", "applications.argoproj.io"])
    first, *others = str(refused.value).split("\n")
    assert first == "the cluster lacks Sealed Secrets, Argo CD; nothing is installed here. To install:"
    assert [line.split(": ")[0] for line in others] == ["  Sealed Secrets", "  Argo CD"]
    assert "https://github.com/bitnami-labs/sealed-secrets/releases/download/v" in others[0]


def test_nothing_is_missing_where_all_kinds_are() -> None:
    missing([kind for part in PARTS for kind in part.kinds])


def test_the_operator_of_the_chart() -> None:
    assert operator([DEPLOYMENT]) == Operator("1.17.1", "")


def test_an_operator_that_makes_routes_for_istio() -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    container(deployment)["env"][1]["value"] = "true"
    assert operator([deployment]).istio_gateway == "istio-system/seldon-gateway"


def test_an_image_by_digest_has_the_version_of_its_label() -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    container(deployment)["image"] = "mirror.test:5000/seldon-core-operator@sha256:1"
    assert operator([deployment]).version == "1.17.1"


def other_version(deployment: dict[str, Any]) -> None:
    container(deployment)["image"] = "docker.io/seldonio/seldon-core-operator:1.18.2"


def not_running(deployment: dict[str, Any]) -> None:
    deployment["status"] = {"unavailableReplicas": 1}


def single_namespace(deployment: dict[str, Any]) -> None:
    container(deployment)["args"][2] = "--namespace=seldon"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            other_version,
            f"{TITLE} is of version 1.18.2 (image docker.io/seldonio/seldon-core-operator:1.18.2): must be 1.17, the "
            "last whose licence is Apache-2.0",
        ),
        (not_running, f"{TITLE} has no available replica: kubectl describe it and see why"),
        (
            single_namespace,
            f"{TITLE} watches the namespace seldon only: must watch all (singleNamespace=false)",
        ),
    ],
    ids=["version", "not running", "single namespace"],
)
def test_an_operator_that_will_not_do(break_it: Callable[[dict[str, Any]], None], said: str) -> None:
    deployment = copy.deepcopy(DEPLOYMENT)
    break_it(deployment)
    with pytest.raises(E2eError) as refused:
        operator([deployment])
    assert str(refused.value) == said


def test_kinds_without_an_operator() -> None:
    with pytest.raises(
        E2eError, match=r"^no Deployment is labelled control-plane=seldon-controller-manager: "
    ):
        operator([])


def test_two_operators() -> None:
    with pytest.raises(E2eError, match=r"^several Deployments are labelled .*: leave one operator$"):
        operator([DEPLOYMENT, DEPLOYMENT])


def test_a_cluster_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "kubectl", 'echo "Unable to connect to the server: EOF" >&2; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(E2eError) as refused:
        check()
    assert str(refused.value) == (
        "the cluster does not answer, or not to this account (kubectl get customresourcedefinitions --output name: Unable "
        "to connect to the server: EOF): see whether `kubectl cluster-info` does"
    )
