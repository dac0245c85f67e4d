"""The example of KServe: the same pod as Seldon's operator makes, by KServe's own kinds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitops.manifests.graphnode import read_node
from gitops.manifests.seldondeployment import seldon_deployments
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from tests.project import MANIFESTS

FOLDER, OVERLAY = "examples/kserve", "overlays/model"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("argocd", "base", "overlays", "site", FOLDER):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    return tmp_path


def rendered(root: Path, folder: str) -> dict[str, Mapping[str, Any]]:
    return {entry["kind"]: entry for entry in load(root).rendered[folder].objects}


def errors(root: Path) -> list[str]:
    return [str(finding) for finding in findings(load(root)) if finding.level == "error"]


def test_it_is_right_by_kserves_own_schemas(root: Path) -> None:
    assert set(rendered(root, FOLDER)) == {"ConfigMap", "InferenceService", "ServingRuntime"}
    assert errors(root) == []


def test_its_pod_is_the_overlays(root: Path) -> None:
    kserve = rendered(root, FOLDER)
    (deployment,) = seldon_deployments(load(root).rendered[OVERLAY].objects)
    (pod,) = (entry["spec"] for entry in deployment.predictors[0].raw["componentSpecs"])
    predictor = kserve["InferenceService"]["spec"]["predictor"]
    for field in (
        "initContainers",
        "volumes",
        "securityContext",
        "terminationGracePeriodSeconds",
        "automountServiceAccountToken",
        "enableServiceLinks",
    ):
        assert predictor[field] == pod[field], field
    runtime = kserve["ServingRuntime"]["spec"]
    assert runtime["imagePullSecrets"] == pod["imagePullSecrets"]
    ours, base = runtime["containers"][0], pod["containers"][0]
    for field in ("args", "image", "volumeMounts", "resources", "securityContext", "lifecycle"):
        assert ours[field] == base[field], field
    # What the cluster tells the container.
    told = [
        entry for entry in base["env"] if "resourceFieldRef" in str(entry) or "POD_NAMESPACE" in str(entry)
    ]
    assert len(told) == 2
    assert all(entry in ours["env"] for entry in told)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        # The operator of Seldon names the port; here it is its number.
        theirs = {**base[probe], "httpGet": {**base[probe]["httpGet"], "port": 6000}}
        assert ours[probe] == theirs, probe


def test_it_fetches_what_node_yaml_pins_and_kserve_fetches_nothing(root: Path) -> None:
    predictor = rendered(root, FOLDER)["InferenceService"]["spec"]["predictor"]
    node = read_node(root / OVERLAY)
    assert node is not None
    assert predictor["initContainers"][0]["args"] == [
        *("fetch", node.model_uri, "/mnt/models", "--digest", node.model_digest)
    ]
    assert not {"storageUri", "storage"} & {*predictor, *predictor["model"]}


def test_its_image_follows_the_pin_of_base(root: Path) -> None:
    file = root / "base/kustomization.yaml"
    digest = f"sha256:{'12' * 32}"
    file.write_text(file.read_text().replace(f"sha256:{'0' * 64}", digest))
    kserve = rendered(root, FOLDER)
    container = kserve["ServingRuntime"]["spec"]["containers"][0]
    images = {
        container["image"],
        next(entry["value"] for entry in container["env"] if entry["name"] == "PREDICTIVE_UNIT_IMAGE"),
        *(entry["image"] for entry in kserve["InferenceService"]["spec"]["predictor"]["initContainers"]),
    }
    assert images == {f"ghcr.io/owner/seldon-mlflow-server@{digest}"}


def test_the_lock_is_found_under_its_name(root: Path) -> None:
    kserve = rendered(root, FOLDER)
    volumes = kserve["InferenceService"]["spec"]["predictor"]["volumes"]
    names = [entry["configMap"]["name"] for entry in volumes if "configMap" in entry]
    assert names == [kserve["ConfigMap"]["metadata"]["name"]]


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("servingruntime.yaml", "protocolVersions:", "protocols:", "spec has no field 'protocols'"),
        ("inferenceservice.yaml", "    minReplicas: 1", "    minReplica: 1", "no field 'minReplica'"),
    ],
    ids=["ServingRuntime", "InferenceService"],
)
def test_a_field_that_kserve_does_not_have_is_refused(
    root: Path, file: str, before: str, after: str, said: str
) -> None:
    path = root / FOLDER / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    (error,) = errors(root)
    assert error.startswith(f"error[schema] {FOLDER}\n")
    assert said in error
