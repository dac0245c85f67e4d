from __future__ import annotations

import copy
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.namespace import Namespace
from tests.e2e import deployment
from tests.e2e.deployment import Deployment, available
from tests.e2e.errors import E2eError
from tests.e2e.rendered import Rendered
from tests.e2e.report import Report
from tests.e2e.tree import Tree
from tests.programs import program
from tests.project import MANIFESTS

AVAILABLE = {"state": "Available"}
FAILED = {"state": "Failed", "description": 'services "graph-iris-model" already exists'}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return Tree.copy(MANIFESTS, tmp_path_factory.mktemp("tree"), "seldon-e2e-1").render("model", replicas=2)


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


def waited(
    rendered: Rendered,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: dict[str, str],
    then: dict[str, str],
) -> str:
    """Wait for a deployment that kubectl shows with one status, and from the second time on with another; return what
    is told.
    """
    pods = [pod(rendered), pod(rendered)]
    for name, shown in (("first", {"status": first}), ("then", {"status": then}), ("pods", {"items": pods})):
        (folder / name).write_text(json.dumps(shown))
    program(
        folder / "kubectl",
        f'cd {folder}\ncase "$*" in *{deployment.KIND}*) cat first; cp then first;; *) cat pods;; esac',
    )
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(deployment, "INTERVAL_SECONDS", 0.0)
    out = io.StringIO()
    Deployment(Namespace("seldon-e2e-1"), rendered, Report(out)).wait()
    return out.getvalue()


def test_an_error_of_the_operator_that_passes_is_told(
    rendered: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = waited(rendered, tmp_path, monkeypatch, FAILED, AVAILABLE)
    assert (
        'graph-iris-model: Failed: services "graph-iris-model" already exists; model ready, model ready\n'
        in told
    )
    assert told.endswith("graph-iris-model: Available; model ready, model ready\n")


def test_an_error_of_the_operator_that_stays_ends_the_run(
    rendered: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "FAILED_SECONDS", 0.0)
    with pytest.raises(E2eError) as refused:
        waited(rendered, tmp_path, monkeypatch, FAILED, FAILED)
    assert str(refused.value) == 'graph-iris-model is Failed: services "graph-iris-model" already exists'
