from __future__ import annotations

from pathlib import Path

import pytest

from server.artifact.digest import model_digest
from tests.e2e.errors import E2eError
from tests.e2e.models import choose
from tests.e2e.rendered import Rendered
from tests.e2e.run import EXAMPLES, changed
from tests.e2e.tree import Tree
from tests.server.serving import ROOT

DIGEST = "sha256:" + "1" * 64


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree.copy(ROOT, tmp_path / "tree", "seldon-e2e-1")


def render(tree: Tree, *names: str) -> list[Rendered]:
    return [tree.render(name) for name in names]


def test_the_models_of_all_overlays_and_another_to_roll_out(tree: Tree, tmp_path: Path) -> None:
    rendered = render(tree, "preprocessor", "model", "pipeline")
    found = choose(rendered, changed(rendered), EXAMPLES, tmp_path)
    uri, digest = found.next
    assert uri == "s3://mlflow/artifacts/iris_svm_model-next"
    assert {name: folder.name for name, folder in found.folders.items()} == {
        "s3://mlflow/artifacts/iris_preprocessor_model": "iris_preprocessor_model",
        "s3://mlflow/artifacts/iris_postprocessor_model": "iris_postprocessor_model",
        "s3://mlflow/artifacts/iris_svm_model": "iris_svm_model",
        uri: "iris_svm_model",
    }
    assert digest == model_digest(found.folders[uri]) != model_digest(EXAMPLES / "iris_svm_model")


def test_a_model_that_is_no_example(tree: Tree, tmp_path: Path) -> None:
    tree.use_model("model", "s3://models/churn/8", DIGEST)
    rendered = render(tree, "model")
    with pytest.raises(E2eError) as refused:
        choose(rendered, changed(rendered), EXAMPLES, tmp_path)
    assert str(refused.value) == (
        f"STORE=pod holds the models of examples/ below s3:// only, and s3://models/churn/8 ({DIGEST}) is none of them: "
        "choose others by OVERLAYS, or give the account of your own store"
    )


def test_changes_are_tried_on_a_model_else_on_another_single_node(tree: Tree) -> None:
    assert changed(render(tree, "pipeline", "postprocessor", "model")).overlay.name == "model"
    assert changed(render(tree, "pipeline", "postprocessor")).overlay.name == "postprocessor"


def test_a_graph_alone_is_not_enough(tree: Tree) -> None:
    with pytest.raises(E2eError, match=r"^OVERLAYS names graphs only: add one of a single node, "):
        changed(render(tree, "pipeline"))
