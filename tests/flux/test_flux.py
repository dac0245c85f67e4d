"""flux/ as it is rendered, and its health check run for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cel_expr_python import cel

from gitops.manifests.kustomize import build
from gitops.manifests.rendered import node_files
from tests.project import MANIFESTS

ARGOCD = Path(__file__).parents[1] / "argocd"
STATUSES = yaml.safe_load((ARGOCD / "statuses.yaml").read_text())
MOMENTS = [json.loads(line) for line in (ARGOCD / "rollout.jsonl").read_text().splitlines()]
# What Flux calls the health that Argo CD calls otherwise; of what neither expression is true is in progress.
HEALTH = {"Healthy": "current", "Degraded": "failed", "Progressing": "inProgress", "Unknown": "inProgress"}


@pytest.fixture(scope="module")
def kustomizations() -> dict[str, Any]:
    objects = build(MANIFESTS / "flux")
    return {entry["metadata"]["name"]: entry["spec"] for entry in objects if entry["kind"] == "Kustomization"}


def health(kustomizations: dict[str, Any], obj: dict[str, Any]) -> str:
    """Return what kustomize-controller makes of the live object ``obj``: the first expression that is true counts."""
    (expressions,) = kustomizations["graph-iris-model"]["healthCheckExprs"]
    environment = cel.NewEnv(variables=dict.fromkeys(("metadata", "spec", "status"), cel.Type.DYN))
    for state in ("inProgress", "failed", "current"):
        if state in expressions:
            value = environment.compile(expressions[state]).eval(data=obj).value()
            # An error, as of a status that is not there yet, is asked again.
            if value is not False:
                return state if value is True else "inProgress"
    return "inProgress"


def live(status: dict[str, Any] | None, replicas: int = 1, **component: Any) -> dict[str, Any]:
    predictor = {"replicas": replicas, "componentSpecs": [{"spec": {}, **component}]}
    found: dict[str, Any] = {"metadata": {}, "spec": {"predictors": [predictor]}}
    return found if status is None else found | {"status": status}


def test_what_is_deployed_by_argo_cd_is_deployed_by_flux(kustomizations: dict[str, Any]) -> None:
    overlays = {f"./overlays/{file.parent.name}" for file in node_files(MANIFESTS)}
    assert {spec["path"] for spec in kustomizations.values()} == {"./base/secrets", *overlays}
    for spec in kustomizations.values():
        assert (spec["prune"], spec["wait"], spec["sourceRef"]["name"]) == (True, True, "models")
        assert "dependsOn" not in spec


@pytest.mark.parametrize("case", STATUSES)
def test_a_status_says_how_the_deployment_is(kustomizations: dict[str, Any], case: str) -> None:
    entry = STATUSES[case]
    assert health(kustomizations, live(entry.get("status"))) == HEALTH[entry["health"]["status"]]


def from_before(moment: dict[str, Any]) -> bool:
    """Whether the status may be that of the old pods, which only a clock can tell; Flux has none."""
    spec, status = (entry["time"] for entry in moment["managedFields"])
    return bool(status <= spec and moment["status"].get("state") == "Available")


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if not from_before(moment)])
def test_every_moment_of_a_rollout_is_judged_by_the_pods_that_took_over(
    kustomizations: dict[str, Any], moment: dict[str, Any]
) -> None:
    found = health(kustomizations, live(moment["status"], moment["replicas"]))
    assert found == ("current" if moment["rolled_out"] else "inProgress")


def test_an_autoscaler_has_as_many_pods_as_it_wants(kustomizations: dict[str, Any]) -> None:
    status = {"state": "Available", "deploymentStatus": {"a": {"replicas": 3, "availableReplicas": 3}}}
    assert health(kustomizations, live(status, hpaSpec={"maxReplicas": 5})) == "current"
    assert health(kustomizations, live(status)) == "inProgress"
    assert health(kustomizations, live(status, replicas=3)) == "current"


@pytest.mark.parametrize("overlay", ["model", "pipeline"])
def test_the_smoke_test_has_the_time_of_a_rollout(
    kustomizations: dict[str, Any], overlay: str, tmp_path: Path
) -> None:
    """Flux adds the patches to the overlay's kustomization."""
    patches = kustomizations["graph-iris-model"]["patches"]
    objects = build(MANIFESTS / "overlays" / overlay)
    (job,) = (entry for entry in objects if entry["kind"] == "Job")
    (deployment,) = (entry for entry in objects if entry["kind"] == "SeldonDeployment")
    assert job["metadata"]["labels"] == {"app.kubernetes.io/name": "smoke"}
    assert job["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/force"] == "enabled"
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    content = {"resources": ["job.yaml"], "patches": patches}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content))
    (patched,) = build(tmp_path)
    (container,) = patched["spec"]["template"]["spec"]["containers"]
    timeout = float(container["args"][-1].removeprefix("--timeout="))
    slowest = max(entry["progressDeadlineSeconds"] for entry in deployment["spec"]["predictors"])
    assert slowest < timeout < patched["spec"]["activeDeadlineSeconds"]
    assert patched["spec"]["activeDeadlineSeconds"] < 30 * 60
    assert kustomizations["graph-iris-model"]["timeout"] == "30m"
