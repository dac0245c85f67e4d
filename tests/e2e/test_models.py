from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops.local.models import keep
from gitops.local.store import Store
from server.artifact.digest import model_digest
from tests.e2e import models
from tests.e2e.errors import E2eError
from tests.e2e.models import Models, choose, into_the_store
from tests.e2e.rendered import Rendered
from tests.e2e.run import changed
from tests.e2e.tree import Tree
from tests.project import MANIFESTS, MODELS

DIGEST = "sha256:" + "1" * 64


@pytest.fixture
def variables(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a person who may read the store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree.copy(MANIFESTS, tmp_path / "tree", "seldon-e2e-1")


def render(tree: Tree, *names: str) -> list[Rendered]:
    return [tree.render(name) for name in names]


def chosen(tree: Tree, place: Path, *names: str) -> tuple[list[Rendered], Models]:
    """Return the overlays as they are applied, and what the store's pod holds for them."""
    pinned = into_the_store(tree)
    rendered = render(tree, *names)
    return rendered, choose(rendered, changed(rendered), pinned, MANIFESTS, place)


def test_the_models_of_all_overlays_and_another_to_roll_out(tree: Tree, tmp_path: Path) -> None:
    _, found = chosen(tree, tmp_path, "preprocessor", "model", "pipeline")
    uri, digest = found.next
    assert uri == "s3://mlflow/artifacts/iris_svm_model-next"
    assert {name: folder.name for name, folder in found.folders.items()} == {
        "s3://mlflow/artifacts/iris_preprocessor_model": "iris_preprocessor_model",
        "s3://mlflow/artifacts/iris_postprocessor_model": "iris_postprocessor_model",
        "s3://mlflow/artifacts/iris_svm_model": "iris_svm_model",
        uri: "iris_svm_model",
    }
    assert digest == model_digest(found.folders[uri]) != model_digest(MODELS / "iris_svm_model")


@pytest.fixture
def churn(tmp_path: Path) -> tuple[Path, str]:
    """A model that no example is, and its digest."""
    folder = tmp_path / "churn"
    shutil.copytree(MODELS / "iris_svm_model", folder)
    (folder / "README.md").write_text("another one\n")
    return folder, model_digest(folder)


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("scheme", ["s3", "file"])
def test_a_model_of_one_s_own_is_fetched_from_where_it_is_pinned(
    tree: Tree, store: Store, churn: tuple[Path, str], tmp_path: Path, scheme: str
) -> None:
    folder, digest = churn
    if scheme == "s3":
        store.upload(folder, "others", "churn/8")
        uri = stored = "s3://others/churn/8"
    else:
        uri, stored = folder.as_uri(), f"s3://e2e/{digest.removeprefix('sha256:')}"
    tree.use_model("model", uri, digest)
    rendered, found = chosen(tree, tmp_path / "place", "model", "pipeline")
    assert rendered[0].models == [(stored, digest)]
    assert (stored, digest) in rendered[1].models
    assert model_digest(found.folders[stored]) == digest
    assert found.next[0] == f"{stored}-next"


def test_a_model_that_was_promoted_here_is_not_fetched(
    tree: Tree, churn: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, digest = churn
    monkeypatch.setattr(models, "ROOT", tmp_path / "repository")
    keep(tmp_path / "repository", digest, folder)
    tree.use_model("model", "models:/churn/8", digest)
    _, found = chosen(tree, tmp_path / "place", "model")
    assert model_digest(found.folders[f"s3://e2e/{digest.removeprefix('sha256:')}"]) == digest


def test_a_model_that_cannot_be_had(tree: Tree, tmp_path: Path) -> None:
    uri = (tmp_path / "none").as_uri()
    tree.use_model("model", uri, DIGEST)
    with pytest.raises(E2eError) as refused:
        chosen(tree, tmp_path / "place", "model")
    said = str(refused.value)
    assert said.startswith(
        f"{uri} ({DIGEST}), which STORE=pod is to hold, is not on this machine and cannot be fetched: "
    )
    assert said.endswith(
        "\nSet the variables of its store or registry, promote it again here, which keeps it, or choose others by OVERLAYS"
    )


def test_a_model_without_a_request_is_changed_only_where_no_other_has_one(tree: Tree) -> None:
    file = tree.root / "overlays/model/expected.json"
    file.write_text('{"request": null, "response": null}')
    assert render(tree, "model")[0].expected is None
    assert changed(render(tree, "model", "postprocessor")).overlay.name == "postprocessor"
    assert changed(render(tree, "model", "pipeline")).overlay.name == "model"


def test_changes_are_tried_on_a_model_else_on_another_single_node(tree: Tree) -> None:
    assert changed(render(tree, "pipeline", "postprocessor", "model")).overlay.name == "model"
    assert changed(render(tree, "pipeline", "postprocessor")).overlay.name == "postprocessor"


def test_a_graph_alone_is_not_enough(tree: Tree) -> None:
    with pytest.raises(E2eError, match=r"^OVERLAYS names graphs only: add one of a single node, "):
        changed(render(tree, "pipeline"))
