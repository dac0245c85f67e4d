from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.e2e.deployment import available
from tests.e2e.rendered import Rendered
from tests.e2e.tree import Tree
from tests.server.serving import ROOT

AVAILABLE = {"state": "Available"}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return Tree.copy(ROOT, tmp_path_factory.mktemp("tree"), "seldon-e2e-1").render("model", replicas=2)


def pod(rendered: Rendered, *, ready: bool = True) -> dict[str, Any]:
    (manifest,) = rendered.overlay.predictor.pods
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"name": "model"}, "spec": copy.deepcopy(dict(manifest.raw)), "status": status}


def old(rendered: Rendered) -> dict[str, Any]:
    found = pod(rendered)
    found["spec"]["containers"][0]["image"] = "another@sha256:1"
    return found


def test_all_replicas_of_this_manifest_serve(rendered: Rendered) -> None:
    assert available(rendered, AVAILABLE, [pod(rendered), pod(rendered)])


def test_one_replica_is_too_few(rendered: Rendered) -> None:
    assert not available(rendered, AVAILABLE, [pod(rendered)])
    assert not available(rendered, AVAILABLE, [pod(rendered), pod(rendered, ready=False)])


def test_the_status_of_before_does_not_count_while_old_pods_serve(rendered: Rendered) -> None:
    assert not available(rendered, AVAILABLE, [old(rendered), old(rendered)])
    assert not available(rendered, AVAILABLE, [pod(rendered), pod(rendered), old(rendered)])


def test_a_pod_that_ends_is_waited_for(rendered: Rendered) -> None:
    ending = pod(rendered)
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not available(rendered, AVAILABLE, [pod(rendered), pod(rendered), ending])


@pytest.mark.parametrize("status", [{}, {"state": "Creating"}, {"state": "Failed"}])
def test_the_operator_has_to_say_so(rendered: Rendered, status: dict[str, str]) -> None:
    assert not available(rendered, status, [pod(rendered), pod(rendered)])
