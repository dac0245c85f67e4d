from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitops.errors import AlreadyRunning
from gitops.local.overlay import load
from gitops.local.run import claim
from server.pins.expectation import differences
from tests.gitops.local.conftest import STATE, Running
from tests.project import MANIFESTS

pytestmark = pytest.mark.xdist_group("run")


@pytest.mark.parametrize("name", ["model", "preprocessor", "postprocessor", "pipeline"])
def test_an_overlay_answers_as_expected(running: Running, name: str) -> None:
    folder = MANIFESTS / "overlays" / name
    expected = json.loads((folder / "expected.json").read_text())
    answer = running.client.post(
        f"/seldon/seldon/graph-iris-{name}/api/v1.0/predictions", json=expected["request"]
    )
    assert answer.status_code == 200
    assert differences(expected["response"]["data"], answer.json()["data"]) == []
    nodes = ["model", "postprocessor", "preprocessor"] if name == "pipeline" else [name]
    paths = answer.json()["meta"]["requestPath"]
    assert paths == load(folder).request_path
    assert sorted(paths) == nodes
    assert {image.partition("@")[0].rpartition("/")[2] for image in paths.values()} == {
        "seldon-mlflow-server"
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "wrong-digest",
            "init container model-initializer ended with exit code 13\n"
            f"the end of {STATE}/running/logs/graph-iris-wrong-digest/model-initializer.log:\n  | ",
        ),
        (
            "no-model",
            "container model ended with exit code 30\n"
            f"the end of {STATE}/running/logs/graph-iris-no-model/model.log:\n  | ",
        ),
        (
            "foreign-image",
            "spec.predictors[0].componentSpecs[0].spec.containers[0].image of container model is 'other:1': "
            "the local run knows only the project's image, seldon-mlflow-server\n",
        ),
        ("no-build", "kustomize build "),
    ],
)
def test_an_overlay_that_does_not_start_says_why_and_the_others_go_on(
    running: Running, name: str, shown: str
) -> None:
    assert f"overlay {name}: {shown}" in running.output
    assert f"overlay {name}: {running.run.failures[name]}\n" in running.output


def test_a_container_that_failed_is_shown_with_its_own_words(running: Running) -> None:
    assert (
        "its digest is sha256:d4ed06fbedb0687477f0b49bf24cc38547a4c087ec8e0d734e86c4fadf998c37, the pinned one is "
        f"sha256:{'0' * 64}; nothing of it is kept." in running.output
    )


def test_a_folder_has_one_run_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path), pytest.raises(AlreadyRunning) as error, claim(tmp_path):
        pass
    assert str(error.value).startswith(f"another run uses {tmp_path} (process ")
    with claim(tmp_path):
        pass
