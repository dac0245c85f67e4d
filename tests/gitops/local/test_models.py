"""Where a local run takes models from, by what the verb fetch makes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.errors import NotRunnable
from gitops.local import environment
from gitops.local.models import KEPT, Models, keep
from gitops.local.store import Store, secret_values
from gitops.manifests.graphnode import read_node
from server.artifact.digest import model_digest
from tests.gitops.local.copies import Copy
from tests.project import MODELS, ROOT

MODEL = MODELS / "iris_svm_model"


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, str]:
    """A model that no example is, and its digest."""
    folder = tmp_path / "made"
    shutil.copytree(MODEL, folder)
    (folder / "README.md").write_text("another one\n")
    return folder, model_digest(folder)


@pytest.fixture
def elsewhere(made: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of the team's, which holds it at s3://team/churn."""
    with Store(tmp_path_factory.mktemp("elsewhere")) as running:
        running.upload(made[0], "team", "churn")
        yield running


def fetched(
    copy: Copy, store: Store, folder: Path, uri: str, digest: str
) -> subprocess.CompletedProcess[str]:
    """Run the initializer as a pod of a run with ``store`` would."""
    environ = {
        **environment.host_variables(os.environ),
        **secret_values(store, {}),
        "FETCH_ATTEMPTS": "1",
    }
    arguments, environ = Models(copy.root, store)(
        ([sys.executable, "-m", "server", "fetch", uri, str(folder), "--digest", digest], environ)
    )
    return subprocess.run(arguments, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)


def test_without_a_store_a_pod_takes_an_example_from_its_folder(copy: Copy) -> None:
    node = read_node(copy.root / "overlays/model")
    assert node is not None
    command = [
        sys.executable,
        "-m",
        "server",
        "fetch",
        node.model_uri,
        "there",
        "--digest",
        node.model_digest,
    ]
    arguments, _ = Models(copy.root, None)((command, {}))
    assert arguments[4] == (copy.root / "examples/iris/models/iris_svm_model").as_uri()


@pytest.mark.parametrize("uri", ["s3://team/churn", "models:/churn/3"])
def test_a_model_that_was_promoted_here_needs_no_account(
    copy: Copy, store: Store, made: tuple[Path, str], tmp_path: Path, uri: str
) -> None:
    folder, digest = made
    copy.overlay("churn", of="model", modelUri=uri, modelDigest=digest)
    keep(copy.root, digest, folder)
    assert not folder.exists()
    done = fetched(copy, store, tmp_path / "model", uri, digest)
    assert done.returncode == 0, done.stderr
    assert model_digest(tmp_path / "model") == digest


def test_another_is_asked_for_by_the_caller_s_own_account(
    copy: Copy,
    store: Store,
    elsewhere: Store,
    made: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy.overlay("churn", of="model", modelUri="s3://team/churn", modelDigest=made[1])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", elsewhere.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", elsewhere.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", elsewhere.endpoint)
    done = fetched(copy, store, tmp_path / "model", "s3://team/churn", made[1])
    assert done.returncode == 0, done.stderr
    assert model_digest(tmp_path / "model") == made[1]


@pytest.mark.parametrize(
    ("uri", "variables"),
    [("s3://team/churn", "AWS_*"), ("gs://team/churn", "GOOGLE_*"), ("models:/churn/3", "MLFLOW_*")],
)
def test_without_an_account_it_is_told_what_to_do(
    copy: Copy,
    store: Store,
    made: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uri: str,
    variables: str,
) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_", "MLFLOW_")):
            monkeypatch.delenv(name)
    copy.overlay("churn", of="model", modelUri=uri, modelDigest=made[1])
    with pytest.raises(NotRunnable) as refused:
        fetched(copy, store, tmp_path / "model", uri, made[1])
    assert str(refused.value) == (
        f"{uri} is not on this machine: set the variables {variables} by which it can be read, or promote it again here, "
        "which keeps it (`make promote`)"
    )


def test_only_pinned_models_are_kept(copy: Copy, made: tuple[Path, str], tmp_path: Path) -> None:
    folder, digest = made
    for name in ("first", "second"):
        shutil.copytree(folder, tmp_path / name)
        keep(copy.root, f"sha256:{name}", tmp_path / name)
    assert sorted(path.name for path in (copy.root / KEPT).iterdir()) == ["sha256-second"]
    copy.overlay("churn", of="model", modelDigest=digest)
    keep(copy.root, digest, folder)
    assert {path.name for path in (copy.root / KEPT).iterdir()} == {digest.replace(":", "-")}
