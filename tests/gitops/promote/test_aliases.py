"""Aliases that moved: promoted in two halves, each overlay for itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gitops import __main__ as command
from gitops.local.store import Store
from gitops.manifests.graphnode import read_node
from gitops.promote import patch
from tests.gitops.promote.conftest import BUCKET, MODELS, Work
from tests.gitops.promote.test_promotion import no_example
from tests.gitops.promote.test_registry import run
from tests.project import ROOT

REGISTER = """
import sys
import mlflow

uri, *places = sys.argv[1:]
client = mlflow.MlflowClient(uri)
for place in places:
    name = place.rpartition("/")[2]
    client.create_registered_model(name)
    client.create_model_version(name, place)
    client.set_registered_model_alias(name, "champion", "1")
"""
GRAPH = "overlays/pipeline/expected.json"
MOVED = {
    "model": "iris_svm_model",
    "postprocessor": "iris_postprocessor_model",
    "preprocessor": "iris_preprocessor_model",
}


@pytest.fixture
def work(work: Work, monkeypatch: pytest.MonkeyPatch) -> Work:
    """With overlays that come from aliases, of which one is not registered, and one that the pipeline refuses."""
    for overlay, model in {**MOVED, "postprocessor": "none"}.items():
        file = work.root / "overlays" / overlay / "node.yaml"
        file.write_text(f"{file.read_text()}  modelFrom: models:/{model}@champion\n")
    monkeypatch.setattr(command, "ROOT", work.root)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return work


def tie(work: Work) -> None:
    """Let the pipeline, and no other, refuse any other model of the preprocessor."""
    node = read_node(work.root / "overlays/preprocessor")
    assert node is not None
    file = work.root / "overlays/pipeline/kustomization.yaml"
    patched = f'      - {{op: test, path: /spec/modelUri, value: "{node.model_uri}"}}\n'
    added = f"  - target: {{kind: GraphNode, name: preprocessor}}\n    patch: |-\n{patched}"
    text = file.read_text()
    file.write_text(text.replace("configMapGenerator:", f"{added}configMapGenerator:"))


@pytest.mark.long
def test_an_overlay_that_fails_keeps_back_itself_alone(
    work: Work,
    store: Store,
    tracking_server: str,
    mlflow_python: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    without = tmp_path / "without"
    shutil.copytree(MODELS / "iris_svm_model", without)
    no_example(without)
    expected = work.root / "overlays/model/expected.json"
    request = json.loads(expected.read_text())["request"]
    for model, folder in (
        ("iris_svm_model", without),
        ("iris_preprocessor_model", MODELS / "iris_preprocessor_model"),
    ):
        store.upload(folder, BUCKET, f"moved/{model}")
    places = [f"s3://{BUCKET}/moved/{MOVED[overlay]}" for overlay in ("model", "preprocessor")]
    run(mlflow_python, REGISTER, tracking_server, *places)
    # What the pipeline pins, by which it is run with the new model.
    for model in MOVED.values():
        store.upload(MODELS / model, "mlflow", f"artifacts/{model}")
    tie(work)
    untouched = tmp_path / "untouched"
    shutil.copytree(work.root, untouched)
    (work.root / "server").symlink_to(ROOT / "server")
    before = work.files()
    summary = tmp_path / "summary.md"
    summary.touch()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    # The first half has the credentials, and changes nothing.
    variables = {"MLFLOW_TRACKING_URI": tracking_server, "AWS_ENDPOINT_URL": store.endpoint}
    secrets = {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key}
    monkeypatch.setenv("VARIABLES", json.dumps(variables))
    monkeypatch.setenv("SECRETS", json.dumps(secrets))
    prepared, file = tmp_path / "prepared", tmp_path / "promotion.json"
    assert command.main(["promotion-prepare", str(prepared)]) == 0
    assert work.changed(before) == set()
    told = [entry for entry in caplog.messages if entry.startswith("error: ")]
    assert [entry.split(": ")[1:3] for entry in told] == [["postprocessor", "models:/none@champion"]]

    # The second has none.
    monkeypatch.delenv("VARIABLES")
    monkeypatch.delenv("SECRETS")
    assert command.main(["promotion-patch", str(prepared), str(file)]) == 1
    changed = work.changed(before)
    assert {Path(name).parent.name for name in changed} == {"model", "pipeline"}
    assert capsys.readouterr().out.endswith("overlays/pipeline/expected.json: written\n")
    node = read_node(work.root / "overlays/model")
    assert node is not None
    assert node.model_uri == places[0]
    # Its model has no example of its own.
    assert json.loads(expected.read_text())["request"] == request
    assert json.loads((work.root / GRAPH).read_text())["models"]["model"] == node.model_digest
    said = summary.read_text()
    rows = [line.split(" | ")[:2] for line in said.splitlines() if line.startswith("| `")]
    assert rows == [
        ["| `model`", "promoted"],
        ["| `postprocessor`", "failed"],
        ["| `preprocessor`", "failed"],
    ]
    assert (
        "`make check` refuses it with this model; nothing is changed\n  error[build] overlays/pipeline\n"
        in said
    )
    assert "models:/none@champion: " in said

    # Another job writes the same, in its own checkout.
    monkeypatch.setattr(command, "ROOT", untouched)
    capsys.readouterr()
    assert command.main(["promotion-apply", str(file)]) == 0
    assert capsys.readouterr().out == said.rstrip("\n") + "\n"
    for name in patch.FILES:
        place = Path("overlays/model") / name
        assert (untouched / place).read_bytes() == (work.root / place).read_bytes()
    assert (untouched / GRAPH).read_bytes() == (work.root / GRAPH).read_bytes()


def test_a_folder_without_models(tmp_path: Path, work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["promotion-patch", str(tmp_path / "none"), str(tmp_path / "patch.json")]) == 2
    assert (
        "holds nothing that was prepared (No such file or directory); run `make promotion-prepare FOLDER=…` first"
        in (capsys.readouterr().err)
    )


def test_a_folder_that_was_used(tmp_path: Path, work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["promotion-prepare", str(work.root)]) == 2
    assert f"FOLDER '{work.root}': holds something already; name a new folder" in capsys.readouterr().err
