"""The examples' models in a fork's own store, or none of them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gitops import examples
from gitops.check import check
from gitops.errors import AdoptionFailed
from gitops.local.store import Store
from gitops.manifests.graphnode import read_node
from tests import project

MODELS = ("iris_postprocessor_model", "iris_preprocessor_model", "iris_svm_model")
FOLDERS = [
    "examples/iris",
    "examples/kserve",
    *(f"overlays/{name}" for name in ("model", "pipeline", "postprocessor", "preprocessor")),
]


@pytest.fixture
def fork(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the project whose models are to be in the store's bucket mlflow, which is empty."""
    project.copy(tmp_path)
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)
    shutil.rmtree(store.folder / "data" / "mlflow", ignore_errors=True)
    (store.folder / "data" / "mlflow").mkdir()
    for name in [*os.environ]:
        if name.startswith(("AWS_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
    return tmp_path


def stored(store: Store) -> set[str]:
    folder = store.folder / "data" / "mlflow"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_they_are_uploaded_once_to_where_pods_fetch_them(fork: Path, store: Store) -> None:
    node = read_node(fork / "overlays/model")
    assert node is not None
    assert f"{node.model_uri}: uploaded for overlays/model" in list(examples.upload(fork))
    there = stored(store)
    assert {f"artifacts/{name}/MLmodel" for name in MODELS} <= there
    assert f"{node.model_uri}: is there, as overlays/model pins it" in list(examples.upload(fork))
    assert examples.missing(examples.found(fork)) == []
    # Half of an upload is completed.
    (store.folder / "data/mlflow/artifacts/iris_svm_model/MLmodel").unlink()
    assert [entry.folder for entry in examples.missing(examples.found(fork))] == ["overlays/model"]
    list(examples.upload(fork))
    assert stored(store) == there


def test_what_is_somebody_else_s_is_not_written_over(fork: Path, store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "own.txt").write_text("mine")
    store.upload(other, "mlflow", "artifacts/iris_svm_model")
    with pytest.raises(AdoptionFailed) as refused:
        list(examples.upload(fork))
    assert str(refused.value) == (
        "s3://mlflow/artifacts/iris_svm_model: holds artifacts/iris_svm_model/own.txt, which is no file of the example, so "
        "nothing is written there; remove what is there, give another BUCKET, or say EXAMPLES=no"
    )
    assert {name for name in stored(store) if "svm" in name} == {"artifacts/iris_svm_model/own.txt"}


def test_a_store_that_refuses_says_what_to_do(fork: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    with pytest.raises(AdoptionFailed) as refused:
        list(examples.upload(fork))
    said = str(refused.value)
    assert said.startswith("the examples' models are not uploaded: s3://mlflow/artifacts/iris_svm_model: ")
    assert said.endswith("which goes on from here; or say EXAMPLES=no, which removes the examples")
    assert "hunter2" not in said


def test_a_bucket_that_is_not_there_is_seen_before_anything_is_written(fork: Path, store: Store) -> None:
    entries = examples.found(fork)
    examples.check_places(entries)
    assert not {name for name in stored(store) if "MLmodel" in name}
    shutil.rmtree(store.folder / "data" / "mlflow")
    with pytest.raises(AdoptionFailed) as refused:
        examples.check_places(entries)
    said = str(refused.value)
    assert " answers NoSuchBucket " in said
    assert "\n  make the bucket, or give yours by BUCKET=…, and run this again" in said


def test_they_are_removed_and_what_is_left_is_right(fork: Path) -> None:
    assert list(examples.remove(fork)) == [f"{folder}: removed" for folder in FOLDERS]
    for folder in FOLDERS:
        assert not (fork / folder).exists()
    # The demo's key opens the secrets that are committed.
    assert (fork / "examples/demo-key").is_dir()
    out = io.StringIO()
    assert check(fork, out) == 0, out.getvalue()
    assert "not built components/gateway: no overlay is there that it could be tried upon" in out.getvalue()
    assert list(examples.remove(fork)) == []
    assert list(examples.upload(fork)) == []


def test_an_overlay_with_a_model_of_its_own_stays(fork: Path) -> None:
    file = fork / "overlays/model/node.yaml"
    text = file.read_text()
    digest = text.partition("modelDigest: sha256:")[2][:64]
    file.write_text(text.replace(digest, "1" * 64))
    list(examples.remove(fork))
    assert [path.name for path in (fork / "overlays").iterdir()] == ["model"]
