"""Promotions of models by their names in MLflow, with a real tracking server."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from gitops.errors import BadArgument, GitopsError, PromotionFailed
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.progress import Progress
from gitops.promote.aliases import promote_aliases
from server.pins import expectation
from server.pins.expectation import differences
from tests.gitops.local.conftest import background
from tests.gitops.promote.conftest import BUCKET, Work
from tests.gitops.promote.test_promotion import beside_it
from tests.project import MODELS, ROOT

LOG = """
import sys
import mlflow

uri, model, place = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    mlflow.log_artifacts(model, "iris")
for name in ("stored", "served", "local"):
    client.create_registered_model(name)
client.create_model_version("stored", place)
client.create_model_version("stored", f"{place}/none")
client.create_model_version("served", f"runs:/{run.info.run_id}/iris", run.info.run_id)
client.create_model_version("local", "hdfs://cluster/m")
for name in ("stored", "served"):
    client.set_registered_model_alias(name, "champion", "1")
print("RUN", run.info.run_id)
"""
MOVE = """
import sys
import mlflow

uri, place = sys.argv[1:]
client = mlflow.MlflowClient(uri)
version = client.create_model_version("stored", place)
client.set_registered_model_alias("stored", "champion", version.version)
"""


def node(work: Work, overlay: str = "model") -> GraphNode:
    found = read_node(work.root / "overlays" / overlay)
    assert found is not None
    return found


def run(python: Path, script: str, *arguments: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(python.parent), "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [python, "-c", script, *arguments],
        env=environ,
        cwd=python.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def logged(mlflow_python: Path, tracking_server: str, models: str) -> str:
    """The id of the run that logged the model of which the server hands out the files."""
    said = run(
        mlflow_python, LOG, tracking_server, str(MODELS / "iris_svm_model"), f"{models}/iris_svm_model"
    )
    return next(line for line in said.splitlines() if line.startswith("RUN")).split()[1]


@pytest.fixture
def asked(variables: None, tracking_server: str, logged: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a person who may ask the tracking server too; the run's id."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_server)
    return logged


@pytest.mark.long
def test_an_alias_becomes_the_place_in_the_store_and_graphs_answer_anew_when_it_moves(
    work: Work,
    asked: str,
    models: str,
    mlflow_python: Path,
    tracking_server: str,
    changed_model: Callable[..., str],
) -> None:
    work.runs()
    said = work.promote("model", "models:/stored@champion")
    assert node(work).model_uri == f"s3://{BUCKET}/iris_svm_model"
    assert node(work).model_from == "models:/stored@champion"
    assert "\n  from      models:/stored@champion\n" in said
    assert "MLFLOW_TRACKING_URI" not in said

    # Nothing moved, so nothing is done, and the overlays that say of no alias are left alone.
    before, out = work.files(), io.StringIO()
    assert promote_aliases(work.root, out) == 0
    assert (out.getvalue(), work.changed(before)) == ("", set())

    uri = changed_model("iris_svm_model", beside_it)
    run(mlflow_python, MOVE, tracking_server, uri)
    assert promote_aliases(work.root, out) == 0
    assert node(work).model_uri == uri
    assert f": pins {uri}\n" in out.getvalue()
    graph = "overlays/pipeline/expected.json"
    assert {"overlays/model/node.yaml", "overlays/model/expected.json", graph} <= work.changed(before)
    # The graph was run with the model that it has now.
    assert out.getvalue().endswith(f"{graph}: written\n")
    now = expectation.read(work.root / graph)
    assert now is not None
    assert now.models["model"] == node(work).model_digest


@pytest.mark.long
def test_a_model_that_the_tracking_server_hands_out_is_pinned_by_its_version(
    work: Work, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = work.promote("model", "models:/served@champion")
    assert (node(work).model_uri, node(work).model_from) == ("models:/served/1", "models:/served@champion")
    assert (
        "\nnote: pods ask the tracking server for models:/served/1: model-initializer needs MLFLOW_TRACKING_URI "
        "(docs/promote.md)\n"
    ) in said
    # A local run takes what the promotion kept: neither the tracking server nor its address is needed.
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    shutil.copytree(ROOT / "server", work.root / "server")
    state, output = tmp_path / "state", io.StringIO()
    state.mkdir()
    overlay, progress = work.root / "overlays/model", Progress(Console(file=output))
    with background([overlay], state, progress, root=work.root) as running:
        assert running.failures == {}, output.getvalue()
        expected = json.loads((overlay / "expected.json").read_text())
        url = f"{running.gateway.url}/seldon/seldon/graph-iris-model/api/v1.0/predictions"
        answer = httpx.post(url, json=expected["request"], timeout=60, trust_env=False).json()
    assert differences(expected["response"]["data"], answer["data"]) == []


@pytest.mark.long
def test_what_is_not_there_changes_nothing(work: Work, asked: str) -> None:
    before, address = work.files(), os.environ["MLFLOW_TRACKING_URI"]
    run_artifacts = f"mlflow-artifacts:/0/{asked}/artifacts/iris"
    refused: list[tuple[str, type[GitopsError], str]] = [
        (
            "models:/stored@none",
            PromotionFailed,
            f"models:/stored@none: {address} says: INVALID_PARAMETER_VALUE: Registered model alias none not found.; "
            "correct the model's URI; nothing is changed",
        ),
        (
            "models:/stored/99",
            PromotionFailed,
            f"models:/stored/99: {address} says: RESOURCE_DOES_NOT_EXIST: Model Version (name=stored, version=99) not "
            "found; correct the model's URI; nothing is changed",
        ),
        (
            "models:/none@champion",
            PromotionFailed,
            f"models:/none@champion: {address} says: RESOURCE_DOES_NOT_EXIST: Registered Model with name=none not "
            "found; correct the model's URI; nothing is changed",
        ),
        (
            f"runs:/{asked}/iris",
            BadArgument,
            f"model runs:/{asked}/iris: its files are at {run_artifacts}, which no version leads to; register it, and "
            "promote models:/name/version",
        ),
        (
            "models:/local/1",
            BadArgument,
            "model models:/local/1: its files are at hdfs://cluster/m, where pods cannot read them; log it to an object "
            "store, or let the tracking server hand out its artifacts (--serve-artifacts)",
        ),
    ]
    for model, kind, message in refused:
        with pytest.raises(kind) as caught:
            work.promote("model", model)
        assert str(caught.value) == message
        assert work.changed(before) == set()


@pytest.mark.usefixtures("variables")
def test_a_registry_that_does_not_answer(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    before = work.files()
    with pytest.raises(PromotionFailed) as refused:
        work.promote("model", "models:/iris@champion")
    assert str(refused.value).startswith("models:/iris@champion: http://127.0.0.1:1 says: ")
    assert str(refused.value).endswith(
        "; correct MLFLOW_TRACKING_URI, or start the server; nothing is changed"
    )
    assert "\n" not in str(refused.value)
    assert work.changed(before) == set()


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("model", ["models", "", "file:///tmp/model", "iris@champion"])
def test_a_place_that_pods_cannot_read(work: Work, model: str) -> None:
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        work.promote("model", model)
    assert str(refused.value) == (
        f"model {model!r}: must be models:/name@alias, models:/name/version, runs:/run/path or the folder of a model in "
        "a store (s3://, gs://, az:// or an archive at https://): a pod reads it from there"
    )
    assert work.changed(before) == set()


@pytest.mark.usefixtures("variables")
def test_an_alias_that_cannot_be_asked_for_keeps_no_other_back(
    work: Work, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("model", "preprocessor"):
        file = work.root / "overlays" / name / "node.yaml"
        file.write_text(f"{file.read_text()}  modelFrom: models:/{name}@champion\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    before, out = work.files(), io.StringIO()
    assert promote_aliases(work.root, out) == 1
    told = [entry for entry in caplog.messages if entry.startswith("error: ")]
    assert [entry.split(": ")[1:3] for entry in told] == [
        ["model", "models:/model@champion"],
        ["preprocessor", "models:/preprocessor@champion"],
    ]
    assert (out.getvalue(), work.changed(before)) == ("", set())
