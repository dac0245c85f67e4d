from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.environment import requirements_lock
from tests.e2e.errors import E2eError
from tests.e2e.tree import Tree
from tests.project import MANIFESTS

NAMESPACE = "seldon-e2e-1"
DIGEST = "sha256:" + "1" * 64
IMAGE = f"registry.test:5000/team/seldon-mlflow-server@{DIGEST}"
INDEX = "http://helper:8080/"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree.copy(MANIFESTS, tmp_path, NAMESPACE, INDEX)


def variables(entry: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in entry["env"]}


def test_an_overlay_is_rendered_for_the_namespace(tree: Tree) -> None:
    tree.use_image(IMAGE)
    rendered = tree.render("model", replicas=2)
    assert {entry["metadata"]["namespace"] for entry in rendered.objects} == {NAMESPACE}
    assert rendered.service == "graph-iris-model-model"
    assert rendered.overlay.path == f"/seldon/{NAMESPACE}/graph-iris-model"
    assert rendered.overlay.predictor.replicas == 2
    (pod,) = rendered.overlay.predictor.pods
    assert {entry.image for entry in (*pod.init_containers, *pod.containers)} == {IMAGE}
    assert [variables(dict(entry.raw)).get("UV_DEFAULT_INDEX") for entry in pod.init_containers] == [
        None,
        INDEX,
    ]
    # The Job waits for this image: it must be the one that runs.
    (job,) = rendered.jobs
    (smoke,) = job["spec"]["template"]["spec"]["containers"]
    assert variables(smoke)["IMAGE"] == smoke["image"] == IMAGE
    assert {entry["kind"] for entry in rendered.applied_first} == {"ConfigMap", "SeldonDeployment"}


def test_a_graph_is_rendered_whole(tree: Tree) -> None:
    tree.use_image("seldon-mlflow-server:e2e")
    rendered = tree.render("pipeline")
    assert tree.image == "seldon-mlflow-server:e2e"
    assert [uri for uri, _ in rendered.models] == [
        "s3://mlflow/artifacts/iris_preprocessor_model",
        "s3://mlflow/artifacts/iris_postprocessor_model",
        "s3://mlflow/artifacts/iris_svm_model",
    ]
    for pod in rendered.overlay.predictor.pods:
        assert variables(dict(pod.init_containers[1].raw))["UV_DEFAULT_INDEX"] == INDEX
    assert [
        entry["metadata"]["name"] for entry in rendered.objects if entry["kind"] == "SeldonDeployment"
    ] == ["graph-iris-pipeline"]


def test_without_settings_an_overlay_is_as_it_is_but_for_the_namespace(tmp_path: Path) -> None:
    tree = Tree.copy(MANIFESTS, tmp_path, NAMESPACE)
    tree.use_image(IMAGE)
    rendered = tree.render("model")
    assert rendered.overlay.predictor.replicas == 1
    assert "UV_DEFAULT_INDEX" not in variables(
        dict(rendered.overlay.predictor.pods[0].init_containers[1].raw)
    )


def test_two_replicas_are_two_whatever_scales_the_overlay(tree: Tree) -> None:
    file = tree.root / "overlays" / "model" / "kustomization.yaml"
    content = yaml.safe_load(file.read_text())
    scaled = {"minReplicas": 1, "maxReplicas": 5}
    patch = [{"op": "add", "path": "/spec/predictors/0/componentSpecs/0/hpaSpec", "value": scaled}]
    content["patches"].append({"target": {"kind": "SeldonDeployment"}, "patch": yaml.safe_dump(patch)})
    file.write_text(yaml.safe_dump(content))
    (pod,) = tree.render("model").overlay.predictor.raw["componentSpecs"]
    assert pod["hpaSpec"] == scaled
    rendered = tree.render("model", replicas=2)
    (pod,) = rendered.overlay.predictor.raw["componentSpecs"]
    assert "hpaSpec" not in pod
    assert rendered.overlay.predictor.replicas == 2


def test_a_route_leads_to_the_namespace_and_not_to_what_is_in_use(tree: Tree) -> None:
    file = tree.root / "overlays" / "model" / "kustomization.yaml"
    content = yaml.safe_load(file.read_text())
    content["components"].append("../../components/gateway")
    file.write_text(yaml.safe_dump(content))
    (route,) = [entry for entry in tree.render("model").objects if entry["kind"] == "HTTPRoute"]
    assert route["metadata"]["namespace"] == NAMESPACE
    assert route["spec"]["rules"][0]["matches"][0]["path"]["value"] == f"/seldon/{NAMESPACE}/graph-iris-model"


def test_another_model_changes_what_is_fetched(tree: Tree) -> None:
    before = tree.render("model")
    tree.use_model("model", "s3://mlflow/artifacts/other", DIGEST)
    after = tree.render("model")
    assert after.models == [("s3://mlflow/artifacts/other", DIGEST)] != before.models
    # The same packages, for this model.
    file = tree.root / "overlays/model/requirements.lock"
    original = MANIFESTS / "overlays/model/requirements.lock"
    written, before_it = requirements_lock.read(file), requirements_lock.read(original)
    assert written.content == written.actual
    assert replace(written, content="", actual="") == replace(before_it, digest=DIGEST, content="", actual="")


def test_another_lock_changes_a_name_and_no_package(tree: Tree) -> None:
    before = tree.render("model").overlay.config_maps
    tree.use_lock("model", "rolled out")
    after = tree.render("model").overlay.config_maps
    (lock_before,) = (data for data in before.values() if "requirements.lock" in data)
    (lock_after,) = (data for data in after.values() if "requirements.lock" in data)
    assert lock_after["requirements.lock"] == lock_before["requirements.lock"] + "# rolled out\n"
    assert len(before.keys() ^ after.keys()) == 2


def test_an_overlay_without_a_lock(tree: Tree) -> None:
    (tree.root / "overlays/model/requirements.lock").unlink()
    with pytest.raises(E2eError) as refused:
        tree.use_lock("model", "rolled out")
    assert str(refused.value) == (
        "overlays/model has no requirements.lock to change: set NEXT_IMAGE to another image by digest"
    )


def test_an_image_that_is_not_released_is_told(tree: Tree) -> None:
    tree.use_image("ghcr.io/owner/seldon-mlflow-server@sha256:" + "0" * 64)
    with pytest.raises(E2eError) as refused:
        _ = tree.image
    assert str(refused.value) == (
        "base/kustomization.yaml pins no released image yet: set IMAGE to one that the cluster can pull"
    )
