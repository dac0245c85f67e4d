"""A fork becomes one's own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gitops.adopt import adopt
from gitops.errors import AdoptionFailed, BadArgument, BadManifest
from gitops.manifests.graphnode import read_node
from gitops.manifests.kustomize import build
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from tests import project

NODES = ("model", "postprocessor", "preprocessor")
PLACES = [
    "argocd/repository.yaml",
    "base/kustomization.yaml",
    *(f"overlays/{name}/node.yaml" for name in NODES),
]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """A clone of the project."""
    project.copy(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    return tmp_path


def changed(fork: Path) -> list[str]:
    return git(fork, "diff", "--name-only").split()


def names(fork: Path) -> tuple[str, str]:
    """The owner and repository, and the image, that the tree has now."""
    url = re.search("url: https://github.com/(.*)", (fork / "argocd/repository.yaml").read_text())
    image = re.search("newName: (.*)", (fork / "base/kustomization.yaml").read_text())
    assert url is not None
    assert image is not None
    return url[1], image[1]


def test_every_place_names_the_new_owner(fork: Path) -> None:
    repository, image = names(fork)
    table = read_node(fork / "overlays/model")
    assert table is not None
    bucket = table.model_uri.split("/")[2]
    (fork / "docs/verify.md").write_text(
        f"Verify `{image}@sha256:…` of https://github.com/{repository}/actions, not my-{repository}-2.\n"
    )
    git(fork, "add", "docs/verify.md")
    written = list(adopt(fork, "Other-Corp", "other", "other-corp-models"))
    assert {*PLACES, "docs/verify.md"} <= set(changed(fork))
    assert sorted(written) == [f"{name}: written" for name in changed(fork)]
    assert (fork / "docs/verify.md").read_text() == (
        "Verify `ghcr.io/other-corp/seldon-mlflow-server@sha256:…` of https://github.com/Other-Corp/other/actions, not "
        f"my-{repository}-2.\n"
    )
    # Nothing that is not a test names the old ones.
    for name in git(fork, "ls-files", "--", ":!tests").split("\n"):
        if name and name != "docs/verify.md":
            text = (fork / name).read_text(errors="replace")
            assert repository not in text, name
            assert image not in text, name
            assert f"s3://{bucket}/" not in text, name
    for name in NODES:
        node = read_node(fork / "overlays" / name)
        assert node is not None
        assert node.model_uri.startswith("s3://other-corp-models/artifacts/iris_")
    (project,) = (entry for entry in build(fork / "argocd") if entry["kind"] == "AppProject")
    assert project["spec"]["sourceRepos"] == ["https://github.com/Other-Corp/other"]
    assert [str(entry) for entry in findings(load(fork)) if entry.level == "error"] == []

    git(fork, "add", "--all")
    assert list(adopt(fork, "Other-Corp", "other", "other-corp-models")) == []
    assert changed(fork) == []


def test_a_name_is_found_whole(fork: Path) -> None:
    list(adopt(fork, "acme", "models", "acme"))
    git(fork, "add", "--all")
    # The new names contain the old ones.
    list(adopt(fork, "acme", "models-2", "acme-2"))
    assert names(fork) == ("acme/models-2", "ghcr.io/acme/seldon-mlflow-server")
    list(adopt(fork, "acme", "models-2", "acme-2"))
    assert "acme-2/artifacts" in (fork / "overlays/model/node.yaml").read_text()


OWNER = "must be the name of an account of GitHub: up to 39 letters, digits and single - between them"
REPO = "must be the name of a repository of GitHub: up to 100 letters, digits, ., - and _, without .git"
BUCKET = "must be the name of a bucket: 3 to 63 of a–z, 0–9, . and -, a letter or digit first and last"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("", "models", "acme"), f"OWNER '': {OWNER}"),
        (("-acme", "models", "acme"), f"OWNER '-acme': {OWNER}"),
        (("acme--corp", "models", "acme"), f"OWNER 'acme--corp': {OWNER}"),
        (("acme/models", "models", "acme"), f"OWNER 'acme/models': {OWNER}"),
        (("a" * 40, "models", "acme"), f"OWNER '{'a' * 40}': {OWNER}"),
        (("acme\n", "models", "acme"), f"OWNER 'acme\\n': {OWNER}"),
        (("acme", "models.git", "acme"), f"REPO 'models.git': {REPO}"),
        (("acme", "..", "acme"), f"REPO '..': {REPO}"),
        (("acme", "models", "Acme"), f"BUCKET 'Acme': {BUCKET}"),
        (("acme", "models", "s3://acme"), f"BUCKET 's3://acme': {BUCKET}"),
        (("acme", "models", "ab"), f"BUCKET 'ab': {BUCKET}"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_name(tmp_path: Path, given: tuple[str, str, str], said: str) -> None:
    with pytest.raises(BadArgument) as refused:
        list(adopt(tmp_path, *given))
    assert (
        str(refused.value) == f"{said}; give it as in `make adopt OWNER=acme REPO=models BUCKET=acme-models`"
    )


def test_models_in_several_buckets_stay_where_they_are(fork: Path) -> None:
    file = fork / "overlays/model/node.yaml"
    bucket = re.search("s3://([^/]+)", (fork / "overlays/preprocessor/node.yaml").read_text())
    assert bucket is not None
    file.write_text(re.sub("s3://[^/]+", "s3://other", file.read_text()))
    git(fork, "add", "--all")
    with pytest.raises(AdoptionFailed) as refused:
        list(adopt(fork, "acme", "models", "acme-models"))
    assert str(refused.value) == (
        f"models are in several buckets already: other (overlays/model), {bucket[1]} (overlays/preprocessor); nothing "
        "is changed: promote each model where it is now"
    )
    assert changed(fork) == []


def test_a_repository_that_is_not_on_github(fork: Path) -> None:
    file = fork / "argocd/repository.yaml"
    file.write_text(re.sub("url: .*", "url: https://git.example.com/a/b", file.read_text()))
    git(fork, "add", "--all")
    with pytest.raises(BadManifest) as refused:
        list(adopt(fork, "acme", "models", "acme-models"))
    assert str(refused.value) == (
        "argocd/repository.yaml: data.url is https://git.example.com/a/b: must be https://github.com/OWNER/REPO"
    )
    assert changed(fork) == []


def test_a_folder_that_is_no_repository(fork: Path) -> None:
    shutil.rmtree(fork / ".git")
    with pytest.raises(AdoptionFailed, match="git said: fatal: not a git repository"):
        list(adopt(fork, "acme", "models", "acme-models"))
