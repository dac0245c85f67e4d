"""The overlays on a cluster, as the operator would run them, under enforced Pod Security "restricted"."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.local import routes
from gitops.local.demo import read_expected
from gitops.local.overlay import LocalOverlay
from server.pins.expectation import differences
from tests.cluster.conftest import Cluster, overlay
from tests.cluster.kubectl import ClusterError
from tests.cluster.operator import ports
from tests.project import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


def answer(cluster: Cluster, asked: LocalOverlay, message: Any) -> Any:
    """Send what the ingress or the orchestrator would."""
    prefix = f"{asked.deployment.name}-{asked.predictor.name}"
    if asked.predictor.no_engine:
        return cluster.helper.ask(f"http://{prefix}:9000/api/v1.0/predictions", message)
    numbers = {container.name: i for i, container in enumerate(asked.predictor.containers)}
    for call in routes.calls(asked.predictor.graph):
        port = ports(numbers[call.node]).http
        message = cluster.helper.ask(f"http://{prefix}-{call.node}:{port}{call.path}", message)
    return message


@pytest.mark.parametrize("name", ["model", "preprocessor", "postprocessor", "pipeline"])
def test_an_overlay_answers_its_request(cluster: Cluster, name: str) -> None:
    asked = overlay(name)
    expected = read_expected(MANIFESTS / "overlays" / name)
    made = cluster.objects(asked)
    cluster.namespace.apply(made)
    try:
        cluster.namespace.rolled_out(made)
        answered = answer(cluster, asked, expected.request)
        assert differences(expected.response, {key: answered[key] for key in expected.response}) == []
        assert answered["meta"]["requestPath"] == dict.fromkeys(asked.request_path, cluster.image)
        if asked.predictor.no_engine:
            prefix = f"{asked.deployment.name}-{asked.predictor.name}"
            by_grpc = cluster.helper.ask_grpc(f"{prefix}:9500", expected.request)
            assert by_grpc["data"]["ndarray"] == answered["data"]["ndarray"]
    finally:
        cluster.namespace.delete(made)


def test_pod_security_is_enforced(cluster: Cluster) -> None:
    pod = {"containers": [{"name": "root", "image": cluster.image}]}
    entry = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": pod}
    with pytest.raises(ClusterError, match='violates PodSecurity "restricted:latest"'):
        cluster.namespace.apply([entry])
