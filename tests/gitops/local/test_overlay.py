from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import BadArgument, BadManifest, NotRunnable
from gitops.local.overlay import find, load, read_expected
from tests.gitops.local.copies import Copy
from tests.project import MANIFESTS


def test_every_overlay_is_found_or_the_ones_that_are_named() -> None:
    names = [folder.name for folder in find(MANIFESTS, [])]
    assert names == ["model", "pipeline", "postprocessor", "preprocessor"]
    assert [folder.name for folder in find(MANIFESTS, ["pipeline", "model"])] == ["model", "pipeline"]


def test_an_unknown_overlay_is_named_with_those_that_are_there() -> None:
    with pytest.raises(BadArgument) as error:
        find(MANIFESTS, ["modle"])
    assert str(error.value) == "no overlay 'modle': there are model, pipeline, postprocessor, preprocessor"


def test_no_overlay_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadArgument) as error:
        find(tmp_path, [])
    assert str(error.value) == (
        f"{tmp_path}/overlays holds no folder with a kustomization.yaml; add an overlay"
    )


def test_an_overlay_knows_its_address_and_who_answers() -> None:
    overlay = load(MANIFESTS / "overlays" / "pipeline")
    images = {container.name: container.image for container in overlay.predictor.containers}
    assert overlay.path == "/seldon/seldon/graph-iris-pipeline"
    assert overlay.request_path == images
    assert sorted(images) == ["model", "postprocessor", "preprocessor"]


def test_a_container_without_orchestrator_answers_by_itself() -> None:
    assert load(MANIFESTS / "overlays" / "model").calls == ()


def test_an_overlay_is_one_deployment(copy: Copy) -> None:
    copy.write("overlays/two/kustomization.yaml", "resources: [../model, ../preprocessor]\n")
    with pytest.raises(NotRunnable) as error:
        load(copy.root / "overlays" / "two")
    assert str(error.value) == (
        "it renders 2 SeldonDeployments: must be one, since an overlay is one deployment"
    )


def test_a_node_has_a_container(copy: Copy) -> None:
    copy.patch("model", "/spec/predictors/0/graph/name", "other")
    with pytest.raises(NotRunnable) as error:
        load(copy.root / "overlays" / "model")
    assert str(error.value) == (
        "spec.predictors[0].graph of SeldonDeployment graph-iris-model is node 'other': no container has this name"
    )


def test_traffic_is_not_split(copy: Copy) -> None:
    copy.patch("model", "/spec/predictors/-", {"name": "second", "graph": {"name": "b", "type": "MODEL"}})
    with pytest.raises(NotRunnable) as error:
        load(copy.root / "overlays" / "model")
    assert str(error.value) == (
        "SeldonDeployment graph-iris-model has 2 predictors: the local run does not split traffic, it must be one"
    )


@pytest.mark.parametrize(
    "path",
    ["/spec/replicas", "/spec/predictors/0/replicas", "/spec/predictors/0/componentSpecs/0/replicas"],
    ids=["deployment", "predictor", "pod"],
)
def test_without_replicas_nothing_answers_here_either(copy: Copy, path: str) -> None:
    if path == "/spec/replicas":
        copy.patch("model", "/spec/predictors/0/replicas", None)
    copy.patch("model", path, 0)
    with pytest.raises(NotRunnable) as error:
        load(copy.root / "overlays" / "model")
    assert str(error.value) == (
        "spec.predictors[0] of SeldonDeployment graph-iris-model has 0 replicas: on a cluster no pod runs and nothing "
        "answers, so neither does it here; set 1 or more, or remove the overlay"
    )


def test_a_pod_that_has_replicas_of_its_own_runs(copy: Copy) -> None:
    copy.patch("model", "/spec/predictors/0/replicas", 0)
    copy.patch("model", "/spec/predictors/0/componentSpecs/0/replicas", 2)
    assert load(copy.root / "overlays" / "model").predictor.pod_replicas == (2,)


def test_every_overlay_needs_an_expected_answer(tmp_path: Path) -> None:
    with pytest.raises(BadManifest) as error:
        read_expected(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/expected.json: there is no such file; add one with a request and the model's response"
    )
