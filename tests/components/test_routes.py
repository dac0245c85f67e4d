"""components/gateway, network-policy and high-availability: filled from the overlay's node.yaml."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gitops.manifests.kustomize import build
from tests.project import FOLDERS, MANIFESTS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the manifests in which the model uses these components."""
    for name in FOLDERS:
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    file = tmp_path / "overlays/model/kustomization.yaml"
    used = "".join(
        f"  - ../../components/{name}\n" for name in ("gateway", "network-policy", "high-availability")
    )
    file.write_text(file.read_text().replace("  - ../../base/node\n", f"  - ../../base/node\n{used}"))
    return tmp_path


def rendered(tree: Path, kind: str) -> dict[str, Any]:
    (found,) = [entry for entry in build(tree / "overlays/model") if entry["kind"] == kind]
    return found


def test_the_route_has_the_path_that_seldon_s_operator_gives_to_ingresses(tree: Path) -> None:
    route = rendered(tree, "HTTPRoute")
    assert route["metadata"] == {"name": "graph-iris-model", "namespace": "seldon"}
    (rule,) = route["spec"]["rules"]
    (match,) = rule["matches"]
    assert match["path"] == {"type": "PathPrefix", "value": "/seldon/seldon/graph-iris-model"}
    (rewrite,) = rule["filters"]
    assert rewrite["urlRewrite"]["path"] == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    assert rule["backendRefs"] == [{"name": "graph-iris-model-model", "port": 9000}]


def test_the_network_policy_selects_the_deployment_s_pods_alone(tree: Path) -> None:
    found = rendered(tree, "NetworkPolicy")
    assert found["metadata"] == {"name": "graph-iris-model", "namespace": "seldon"}
    assert found["spec"]["podSelector"] == {"matchLabels": {"seldon-deployment-id": "graph-iris-model"}}
    assert found["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_two_pods_are_spread_over_nodes_and_drained_one_at_a_time(tree: Path) -> None:
    labels = {"seldon-deployment-id": "graph-iris-model"}
    (predictor,) = rendered(tree, "SeldonDeployment")["spec"]["predictors"]
    assert predictor["replicas"] == 2
    (spread,) = predictor["componentSpecs"][0]["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["labelSelector"]) == (
        "kubernetes.io/hostname",
        {"matchLabels": labels},
    )
    budget = rendered(tree, "PodDisruptionBudget")
    assert budget["metadata"]["name"] == "graph-iris-model"
    assert budget["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}


def test_a_graph_takes_none_along_from_a_node(tree: Path) -> None:
    assert {entry["kind"] for entry in build(tree / "overlays/pipeline")} == {
        "ConfigMap",
        "Job",
        "SeldonDeployment",
    }
