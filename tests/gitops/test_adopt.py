"""A fork becomes one's own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gitops.adopt import Names, adopt, buckets
from gitops.errors import AdoptionFailed, BadArgument, BadManifest, NotWritten
from gitops.manifests.graphnode import read_node
from gitops.manifests.image import pinned_digest
from gitops.manifests.kustomize import build
from gitops.manifests.site import read_site
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from gitops.release.pin import pin
from tests import project

NODES = ("model", "postprocessor", "preprocessor")
PLACES = [
    "site/site.yaml",
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
    site = read_site(fork)
    return site.repository, site.image


def test_every_place_names_the_new_owner(fork: Path) -> None:
    repository, image = names(fork)
    table = read_node(fork / "overlays/model")
    assert table is not None
    bucket = table.model_uri.split("/")[2]
    (fork / "docs/verify.md").write_text(
        f"Verify `{image}@sha256:…` of https://github.com/{repository}/actions, not my-{repository}-2.\n"
    )
    git(fork, "add", "docs/verify.md")
    written = list(adopt(fork, Names("Other-Corp", "other", "other-corp-models")))
    assert {*PLACES, "docs/verify.md"} <= set(changed(fork))
    assert sorted(written) == [f"{name}: written" for name in changed(fork)]
    assert (fork / "docs/verify.md").read_text() == (
        "Verify `ghcr.io/other-corp/seldon-mlflow-server@sha256:…` of https://github.com/Other-Corp/other/actions, not "
        f"my-{repository}-2.\n"
    )
    # Nothing but code names the old ones.
    for name in git(fork, "ls-files", "--", ":!gitops", ":!tests").split("\n"):
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
    assert list(adopt(fork, Names("Other-Corp", "other", "other-corp-models"))) == []
    assert changed(fork) == []


def test_another_namespace_asks_for_new_seals(fork: Path) -> None:
    *written, said = adopt(fork, Names("acme", "models", "acme", namespace="iris"))
    assert read_site(fork).namespace == "iris"
    assert "site/site.yaml: written" in written
    assert said == "secrets are sealed for the namespace seldon: seal them again for iris (`make seal`)"
    git(fork, "add", "--all")
    # It stays where none is given, and where it is the same.
    assert list(adopt(fork, Names("acme", "models", "acme"))) == []
    assert list(adopt(fork, Names("acme", "models", "acme", namespace="iris"))) == []


@pytest.mark.long
def test_an_image_of_someone_else_s_is_pinned_and_none_is_built(fork: Path) -> None:
    digest = f"sha256:{'1' * 64}"
    image = f"ghcr.io/upstream/seldon-mlflow-server@{digest}"
    *written, said, whose = adopt(fork, Names("acme", "models", "acme", image=image))
    assert f"base/kustomization.yaml: written for {digest}" in written
    assert said == "releases build no image as long as site/site.yaml names this one of another owner"
    # GHCR says who owns it, and it is called there as what was forked.
    assert whose == "it is to be one of upstream/seldon-mlflow-gitops, which `make image-verify` verifies"
    assert read_site(fork).builder == "upstream/seldon-mlflow-gitops"
    assert (names(fork)[1], pinned_digest(fork)) == ("ghcr.io/upstream/seldon-mlflow-server", digest)
    assert image in str(build(fork / "overlays/model"))
    assert [str(entry) for entry in findings(load(fork)) if entry.level == "error"] == []
    # One of the repository's own is built; its registry does not have the other's digest.
    assert {
        "base/kustomization.yaml: pins no image until one is released",
        "base/interface.json: removed",
    } <= set(adopt(fork, Names("acme", "models", "acme")))
    assert read_site(fork).builds_image
    assert read_site(fork).builder == "acme/models"
    assert (pinned_digest(fork), (fork / "base/interface.json").exists()) == ("", False)


def test_whose_image_it_is_can_be_said(fork: Path) -> None:
    image = f"registry.example.com/mirror/seldon-mlflow-server@sha256:{'1' * 64}"
    list(adopt(fork, Names("acme", "models", "acme", image=image, builder="Up-Stream/server")))
    assert read_site(fork).builder == "Up-Stream/server"
    # Under a new name of the repository it stays.
    list(adopt(fork, Names("acme", "models-2", "acme", image=image)))
    assert read_site(fork).builder == "Up-Stream/server"


def test_all_files_are_written_or_none(fork: Path) -> None:
    image = f"ghcr.io/upstream/seldon-mlflow-server@sha256:{'1' * 64}"
    # The last of what is written.
    (fork / "base/interface.json").mkdir()
    with pytest.raises(NotWritten, match="nothing is changed"):
        list(adopt(fork, Names("acme", "models", "acme", image=image)))
    assert changed(fork) == []


def test_an_image_that_an_overlay_pins_itself_is_named(fork: Path) -> None:
    digest = f"sha256:{'1' * 64}"
    list(pin(fork, digest, overlay="model"))
    assert (
        f"overlays/model: stays at {digest}, which it pins itself; `make unpin OVERLAY=model` lets it follow base"
        in [*adopt(fork, Names("acme", "models", "acme"))]
    )


def test_code_is_left_alone(fork: Path) -> None:
    list(adopt(fork, Names("acme", "models", "acme")))
    assert [name for name in changed(fork) if name.startswith(("gitops/", "server/", "tests/"))] == []


def test_a_name_is_found_whole(fork: Path) -> None:
    list(adopt(fork, Names("acme", "models", "acme")))
    git(fork, "add", "--all")
    # The new names contain the old ones.
    list(adopt(fork, Names("acme", "models-2", "acme-2")))
    assert names(fork) == ("acme/models-2", "ghcr.io/acme/seldon-mlflow-server")
    list(adopt(fork, Names("acme", "models-2", "acme-2")))
    assert "acme-2/artifacts" in (fork / "overlays/model/node.yaml").read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    "removed",
    [["argocd"], ["argocd", "flux"]],
    ids=["flux", "by-hand"],
)
def test_a_fork_without_argo_cd(fork: Path, removed: list[str]) -> None:
    git(fork, "rm", "-r", "--quiet", "--force", *removed)
    list(adopt(fork, Names("Other-Corp", "other", "other-corp-models")))
    assert set(PLACES) <= set(changed(fork))
    assert read_site(fork).image == "ghcr.io/other-corp/seldon-mlflow-server"
    if "flux" not in removed:
        (source,) = (entry for entry in build(fork / "flux") if entry["kind"] == "GitRepository")
        assert source["spec"]["url"] == "https://github.com/Other-Corp/other"
    # Policies on Argo CD have nothing to say, and whoever applies by hand needs neither.
    found = [str(entry) for entry in findings(load(fork))]
    assert [entry for entry in found if entry.startswith("error") or "Argo" in entry] == []
    git(fork, "add", "--all")
    assert list(adopt(fork, Names("Other-Corp", "other", "other-corp-models"))) == []


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
        list(adopt(tmp_path, Names(*given)))
    assert (
        str(refused.value) == f"{said}; give it as in `make adopt OWNER=acme REPO=models BUCKET=acme-models`"
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            {"namespace": "Iris"},
            "NAMESPACE 'Iris': must be the name of a namespace: up to 63 of a–z, 0–9 and -; give it as in `make adopt "
            "OWNER=acme REPO=models BUCKET=acme-models`",
        ),
        (
            {"image": "ghcr.io/upstream/seldon-mlflow-server:v1"},
            "IMAGE 'ghcr.io/upstream/seldon-mlflow-server:v1': must be an image by its digest, as in "
            "ghcr.io/owner/seldon-mlflow-server@sha256:…; give it as in `make adopt OWNER=acme REPO=models "
            "BUCKET=acme-models`",
        ),
        (
            {"builder": "upstream"},
            "IMAGE_REPOSITORY 'upstream': must be OWNER/REPO on GitHub, as in upstream/models: whose release workflow built "
            "the image",
        ),
    ],
    ids=["namespace", "image", "builder"],
)
def test_an_option_that_cannot_be_right(fork: Path, option: dict[str, str], said: str) -> None:
    with pytest.raises(BadArgument) as refused:
        list(adopt(fork, Names("acme", "models", "acme", **option)))
    assert str(refused.value) == said
    assert changed(fork) == []


def test_models_in_several_buckets_stay_where_they_are(fork: Path) -> None:
    file = fork / "overlays/model/node.yaml"
    bucket = re.search("s3://([^/]+)", (fork / "overlays/preprocessor/node.yaml").read_text())
    assert bucket is not None
    file.write_text(re.sub("s3://[^/]+", "s3://other", file.read_text()))
    git(fork, "add", "--all")
    with pytest.raises(AdoptionFailed) as refused:
        list(adopt(fork, Names("acme", "models", "acme-models")))
    assert str(refused.value) == (
        f"the examples' models are in several buckets already: other (overlays/model), {bucket[1]} (overlays/preprocessor); "
        "nothing is changed: promote each where it is now"
    )
    assert changed(fork) == []


def test_a_model_of_one_s_own_stays_in_its_bucket(fork: Path) -> None:
    own = fork / "overlays/churn"
    shutil.copytree(fork / "overlays/model", own)
    text = re.sub("s3://[^/]+", "s3://mlflow-store", (own / "node.yaml").read_text())
    (own / "node.yaml").write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{'1' * 64}", text))
    git(fork, "add", "--all")
    list(adopt(fork, Names("acme", "models", "acme-models")))
    assert "s3://acme-models/" in (fork / "overlays/model/node.yaml").read_text()
    assert "s3://mlflow-store/" in (own / "node.yaml").read_text()
    # Without the examples there is nothing to name.
    for name in ("model", "postprocessor"):
        shutil.rmtree(fork / "overlays" / name)
    (fork / "overlays/preprocessor/node.yaml").write_text(
        (own / "node.yaml").read_text().replace("mlflow-store", "another-store")
    )
    git(fork, "add", "--all")
    assert buckets(fork) == set()


def test_a_repository_that_is_not_on_github(fork: Path) -> None:
    file = fork / "site/site.yaml"
    file.write_text(re.sub("url: .*", "url: https://git.example.com/a/b", file.read_text()))
    git(fork, "add", "--all")
    with pytest.raises(BadManifest) as refused:
        list(adopt(fork, Names("acme", "models", "acme-models")))
    assert str(refused.value) == (
        "site/site.yaml: spec.repository.url is https://git.example.com/a/b: must be https://github.com/OWNER/REPO"
    )
    assert changed(fork) == []


def test_a_folder_that_is_no_repository(fork: Path) -> None:
    shutil.rmtree(fork / ".git")
    with pytest.raises(AdoptionFailed, match="git said: fatal: not a git repository"):
        list(adopt(fork, Names("acme", "models", "acme-models")))
