"""An overlay with an image of its own: what is pinned, what it renders, what judges it, and how it follows base again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadArgument, BadManifest
from gitops.manifests.kustomize import build
from gitops.manifests.unstructured import leaves
from gitops.release.pin import pin, unpin
from gitops.release.proposal import propose
from server.image_interface import interface
from tests.gitops.policies.copies import Copy
from tests.gitops.release.conftest import Repository

FIRST, SECOND = (f"sha256:{digit * 64}" for digit in "12")
FILE = "overlays/model/kustomization.yaml"
BRANCH = "release/image"


def images(root: Path, overlay: str, *kinds: str) -> set[str]:
    """Return the digests of the project's image wherever it stands in what an overlay renders."""
    entries = [entry for entry in build(root / "overlays" / overlay) if entry["kind"] in kinds]
    texts = [text for text in leaves(entries) if isinstance(text, str)]
    return {
        text.partition("@")[2] for text in texts if text.startswith("ghcr.io/owner/seldon-mlflow-server@")
    }


@pytest.fixture
def pinned(tree: Copy) -> Copy:
    """Base pins one image, and the overlay model another."""
    list(pin(tree.root, FIRST))
    list(pin(tree.root, SECOND, None, "model"))
    return tree


def without_digest_option(tree: Copy, file: str) -> None:
    content = json.loads((tree.root / file).read_text())
    del content["verbs"]["fetch"]["options"]["--digest"]
    (tree.root / file).write_text(json.dumps(content))


@pytest.mark.long
def test_an_overlay_alone_runs_the_image_that_it_pins(tree: Copy) -> None:
    list(pin(tree.root, FIRST))
    before = (tree.root / FILE).read_text()
    assert list(pin(tree.root, SECOND, None, "model")) == [
        f"overlays/model/kustomization.yaml: written for {SECOND}",
        f"overlays/model/interface.json: written for {SECOND}",
    ]
    added = f"images:\n  - name: ghcr.io/owner/seldon-mlflow-server\n    digest: {SECOND}\n"
    assert (tree.root / FILE).read_text() == before + added
    assert json.loads((tree.root / "overlays/model/interface.json").read_text()) == {
        "image": SECOND,
        **interface(),
    }
    # The Job says it twice: what it runs, and what it asks the service for.
    assert images(tree.root, "model", "SeldonDeployment") == images(tree.root, "model", "Job") == {SECOND}
    assert images(tree.root, "preprocessor", "SeldonDeployment", "Job") == {FIRST}
    assert images(tree.root, "pipeline", "SeldonDeployment") == {FIRST, SECOND}
    assert list(pin(tree.root, SECOND, None, "model")) == []
    assert tree.errors() == []


def test_another_image_changes_one_line_and_unpin_leaves_the_file_as_it_was(pinned: Copy) -> None:
    before = (pinned.root / FILE).read_text()
    list(pin(pinned.root, FIRST, None, "model"))
    assert (pinned.root / FILE).read_text() == before.replace(SECOND, FIRST)
    assert list(unpin(pinned.root, "model")) == [
        "overlays/model/kustomization.yaml: follows base/kustomization.yaml again",
        "overlays/model/interface.json: removed",
    ]
    assert (pinned.root / FILE).read_text() == before[: before.index("images:")]
    assert not (pinned.root / "overlays/model/interface.json").exists()
    assert images(pinned.root, "model", "SeldonDeployment", "Job") == {FIRST}


def test_unpin_leaves_other_images_and_comments(pinned: Copy) -> None:
    other = "  # Beside the model.\n  - {name: registry/log, newTag: v1}\n# The end.\n"
    pinned.append(FILE, other)
    before = (pinned.root / FILE).read_text()
    list(unpin(pinned.root, "model"))
    entry = f"  - name: ghcr.io/owner/seldon-mlflow-server\n    digest: {SECOND}\n"
    assert (pinned.root / FILE).read_text() == before.replace(entry, "")


def test_a_pin_of_base_says_which_overlays_stay(pinned: Copy) -> None:
    third = f"sha256:{'3' * 64}"
    assert list(propose(pinned.root, third, None, BRANCH, {})) == [
        f"base/kustomization.yaml: written for {third}",
        f"base/interface.json: written for {third}",
        f"overlays/model: stays at {SECOND}, which it pins itself; `make unpin OVERLAY=model` lets it follow base",
    ]
    assert images(pinned.root, "model", "SeldonDeployment") == {SECOND}


def test_an_overlay_is_judged_by_its_own_image(pinned: Copy) -> None:
    without_digest_option(pinned, "overlays/model/interface.json")
    found = [error.splitlines()[0] for error in pinned.errors()]
    assert found == ["error[skew] overlays/model", "error[skew] overlays/pipeline"]


def test_the_others_are_judged_by_that_of_base(pinned: Copy) -> None:
    without_digest_option(pinned, "base/interface.json")
    found = {error.splitlines()[0] for error in pinned.errors()}
    assert found == {
        "error[skew] overlays/preprocessor",
        "error[skew] overlays/postprocessor",
        "error[skew] overlays/pipeline",
    }


def test_what_an_image_takes_is_known_from_where_it_is_pinned_already(tree: Copy) -> None:
    record: dict[str, Any] = {**interface(), "commit": "a" * 40, "inputs": "b" * 64}
    list(pin(tree.root, FIRST, record))
    list(propose(tree.root, FIRST, None, BRANCH, {}, overlay="model"))
    written = json.loads((tree.root / "overlays/model/interface.json").read_text())
    assert written == {"image": FIRST, **record}


def test_the_image_of_an_open_proposal_is_tried_in_one_overlay_first(repository: Repository) -> None:
    record: dict[str, Any] = {**interface(), "commit": "a" * 40, "inputs": "b" * 64}
    file = repository.root / FILE
    file.parent.mkdir(parents=True)
    file.write_text("resources: [../../base]\n")
    repository.commit("Add an overlay")
    repository.git("checkout", "-q", "-b", "proposal")
    list(pin(repository.root, FIRST, record))
    repository.commit("Pin an image")
    repository.git("update-ref", f"refs/remotes/origin/{BRANCH}", "HEAD")
    repository.git("checkout", "-q", "main")
    list(propose(repository.root, FIRST, None, BRANCH, {}, overlay="model"))
    written = json.loads((repository.root / "overlays/model/interface.json").read_text())
    assert written == {"image": FIRST, **record}
    assert not (repository.root / "base/interface.json").exists()


def test_an_overlay_that_is_not_there_is_refused(tree: Copy) -> None:
    with pytest.raises(BadArgument) as refused:
        list(pin(tree.root, FIRST, None, "churn"))
    assert str(refused.value) == (
        "overlay 'churn': must be one of model, pipeline, postprocessor, preprocessor"
    )


def test_an_overlay_that_pins_none_has_none_to_take_away(tree: Copy) -> None:
    with pytest.raises(BadArgument, match=r"^overlay 'model': pins no image of its own; it follows base/"):
        list(unpin(tree.root, "model"))


def test_images_of_another_layout_are_refused(tree: Copy) -> None:
    tree.append(FILE, "images: [{name: registry/log, newTag: v1}]\n")
    with pytest.raises(BadManifest) as refused:
        list(pin(tree.root, FIRST, None, "model"))
    assert str(refused.value) == (
        "overlays/model/kustomization.yaml: images has no entry of ghcr.io/owner/seldon-mlflow-server; add one with "
        "name and digest, a line for each"
    )
    assert not (tree.root / "overlays/model/interface.json").exists()
