"""From a build's record to what is pinned, and when nothing is: the commits are those of a real repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitops import __main__ as command
from gitops.errors import BadArgument, ReleaseFailed
from gitops.manifests import image_interface
from gitops.manifests.image import pinned_digest
from gitops.release.plan import plan
from gitops.release.proposal import pin, propose
from gitops.release.record import build_inputs, record
from server.image_interface import interface as own
from tests.gitops.release.conftest import Repository, read_outputs
from tests.gitops.release.oci import Build

BRANCH = "release/image"
FIRST, SECOND, THIRD = (f"sha256:{digit * 64}" for digit in "123")


def build(repository: Repository, layer: bytes, folder: Path) -> Path:
    """Build the checkout, and return the record of it."""
    folder.mkdir(exist_ok=True)
    files = [
        Build(architecture, layer).write(folder / f"{architecture}.tar")
        for architecture in ("amd64", "arm64")
    ]
    record(repository.root, folder / "record.json", files)
    return folder / "record.json"


@pytest.fixture
def released(repository: Repository, tmp_path: Path) -> Repository:
    """A repository whose second commit has pinned the image of the first."""
    list(propose(repository.root, FIRST, build(repository, b"first", tmp_path / "first"), BRANCH, {}))
    repository.commit("Pin the first image")
    return repository


def test_a_record_says_what_was_built_of_what(repository: Repository, tmp_path: Path) -> None:
    file = build(repository, b"layer", tmp_path / "build")
    assert json.loads(file.read_text()) == {
        "commit": repository.git("rev-parse", "HEAD"),
        "inputs": build_inputs(repository.root),
        "manifests": {"linux/amd64": Build("amd64").digest, "linux/arm64": Build("arm64").digest},
        **own(),
    }


def test_what_no_commit_has_is_not_recorded(repository: Repository, tmp_path: Path) -> None:
    repository.edit("Dockerfile", "ARG", "# Another.\nARG")
    with pytest.raises(ReleaseFailed, match=r"differs from the commit; commit it first:\nM Dockerfile$"):
        build(repository, b"layer", tmp_path / "build")


def test_the_interface_is_that_of_the_build(
    repository: Repository, tmp_path: Path, outputs: dict[str, str]
) -> None:
    file = build(repository, b"layer", tmp_path / "build")
    content = json.loads(file.read_text())
    content["verbs"]["brew"] = {"arguments": [], "options": {}}
    file.write_text(json.dumps(content))
    repository.commit("Go on")
    assert list(propose(repository.root, FIRST, file, BRANCH, outputs)) == [
        f"base/kustomization.yaml: written for {FIRST}",
        f"base/interface.json: written for {FIRST}",
    ]
    assert read_outputs(outputs) == {"changed": "true"}
    assert pinned_digest(repository.root) == FIRST
    has = image_interface.read(repository.root)
    assert has is not None
    assert "brew" in has.verbs
    assert (has.image, has.commit, has.inputs) == (FIRST, content["commit"], content["inputs"])
    assert has.manifests == content["manifests"]

    assert list(propose(repository.root, FIRST, None, BRANCH, outputs))
    assert json.loads((repository.root / image_interface.FILE).read_text()) == {"image": FIRST, **own()}


def superfluous(repository: Repository, file: Path, outputs: dict[str, str], digest: str = SECOND) -> str:
    """Propose the image, and return why that changed nothing."""
    before = repository.git("status", "--porcelain")
    (line,) = propose(repository.root, digest, file, BRANCH, outputs)
    assert read_outputs(outputs) == {"changed": "false"}
    assert repository.git("status", "--porcelain") == before
    return line


def test_a_hotfix_of_another_branch_is_not_proposed(
    released: Repository, tmp_path: Path, outputs: dict[str, str]
) -> None:
    released.git("switch", "--quiet", "--create", "maintenance", "HEAD~1")
    released.edit("server/settings_loader.py", '"""', '"""Mended. ')
    commit = released.commit("Mend")
    file = build(released, b"mended", tmp_path / "mended")
    released.git("switch", "--quiet", "main")
    assert superfluous(released, file, outputs) == (
        f"nothing to propose: its commit {commit} is not in the history of this branch"
    )
    # Nor where the clone of main alone has never seen it.
    released.git("branch", "--quiet", "--delete", "--force", "maintenance")
    clone = Repository(tmp_path / "clone")
    released.git("clone", "--quiet", "--no-local", "--single-branch", ".", str(clone.root))
    assert "is not in the history of this branch" in superfluous(clone, file, outputs)


def test_a_release_that_came_late_is_not_proposed(
    released: Repository, tmp_path: Path, outputs: dict[str, str]
) -> None:
    old = released.commit("Under way for long")
    late = build(released, b"late", tmp_path / "late")
    new = released.commit("Overtakes it")
    list(propose(released.root, SECOND, build(released, b"new", tmp_path / "new"), BRANCH, {}))
    released.commit("Pin the second image")
    assert superfluous(released, late, outputs, THIRD) == (
        f"nothing to propose: its commit {old} is older than {new}, whose image is pinned"
    )


def test_the_same_images_are_not_proposed(
    released: Repository, tmp_path: Path, outputs: dict[str, str]
) -> None:
    released.commit("Change no image")
    file = build(released, b"first", tmp_path / "again")
    assert superfluous(released, file, outputs) == (
        f"nothing to propose: each platform's image is the one that is pinned as {FIRST}"
    )


def test_an_open_proposal_is_replaced_by_a_newer_one_alone(
    released: Repository, tmp_path: Path, outputs: dict[str, str]
) -> None:
    old = released.commit("First of two")
    late = build(released, b"late", tmp_path / "late")
    new = released.commit("Second of two")
    other = build(released, b"new", tmp_path / "new")
    clone = Repository(tmp_path / "clone")
    released.git("switch", "--quiet", "--create", BRANCH)
    list(propose(released.root, SECOND, other, BRANCH, {}))
    released.commit("Pin the second image")
    released.git("switch", "--quiet", "main")
    released.git("clone", "--quiet", ".", str(clone.root))

    assert superfluous(clone, late, outputs, THIRD) == (
        f"nothing to propose: its commit {old} is older than {new}, whose image is proposed on release/image"
    )
    # The same again, say because it stopped before the pull request was open: what is proposed stays as it is.
    assert list(propose(clone.root, THIRD, other, BRANCH, outputs)) == [
        f"{SECOND}: is proposed on release/image already, with the same images as {THIRD}",
        f"base/kustomization.yaml: written for {SECOND}",
        f"base/interface.json: written for {SECOND}",
    ]
    assert read_outputs(outputs) == {"changed": "true"}
    assert clone.git("diff", "--stat", f"origin/{BRANCH}", "--", "base") == ""
    clone.git("checkout", "--quiet", "--", "base")

    clone.commit("Third")
    newest = build(clone, b"newest", tmp_path / "newest")
    assert list(propose(clone.root, THIRD, newest, BRANCH, outputs))
    assert read_outputs(outputs) == {"changed": "true"}


def test_a_shallow_clone_cannot_say_what_is_newer(released: Repository, tmp_path: Path) -> None:
    file = build(released, b"new", tmp_path / "new")
    clone = tmp_path / "shallow"
    released.git("clone", "--quiet", "--depth", "1", f"file://{released.root}", str(clone))
    with pytest.raises(
        ReleaseFailed, match=r"this clone is shallow, .* \(actions/checkout: fetch-depth: 0\)$"
    ):
        list(propose(clone, SECOND, file, BRANCH, {}))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("nothing", "cannot be read"),
        ("{}", "has no commit"),
        ('{"commit": 1}', "commit is 1: must be a string"),
        ('{"commit": "1", "inputs": "1", "manifests": {"linux/amd64": "latest"}}', "'latest' is no digest"),
    ],
)
def test_a_file_that_is_no_record_is_refused(
    released: Repository, tmp_path: Path, content: str, why: str
) -> None:
    file = tmp_path / "record.json"
    file.write_text(content)
    with pytest.raises(
        BadArgument, match=r"^RECORD .*; name the file that `make release-record` wrote$"
    ) as refused:
        list(propose(released.root, SECOND, file, BRANCH, {}))
    assert why in str(refused.value)


def test_a_first_push_is_built(repository: Repository, outputs: dict[str, str]) -> None:
    assert str(plan(repository.root, BRANCH, outputs)) == "build: base/ pins no released image"
    assert read_outputs(outputs) == {
        "build": "true",
        "digest": "",
        "image": "",
        "inputs": build_inputs(repository.root),
        "reference": "",
        "void": "false",
    }


def test_a_program_reads_the_plan(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", repository.root)
    for name in ("REBUILD", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    assert command.main(["release-plan", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    (item,) = content["items"]
    assert (content["command"], content["ok"], item["level"]) == ("release-plan", True, "note")
    assert (item["id"], item["place"], item["message"]) == ("build", "image", "base/ pins no released image")
    assert (item["build"], item["inputs"]) == ("true", build_inputs(repository.root))


def test_a_push_that_does_not_touch_the_image_is_not_built(
    released: Repository, outputs: dict[str, str]
) -> None:
    released.edit("pyproject.toml", "A GitOps repository", "The GitOps repository")
    assert str(plan(released.root, BRANCH, outputs)) == (
        f"nothing to build: the pinned image {FIRST} is made of the same"
    )
    written = read_outputs(outputs)
    assert (written["build"], written["digest"], written["image"]) == ("false", FIRST, FIRST)

    assert str(plan(released.root, BRANCH, {**outputs, "REBUILD": "1"})) == "build: REBUILD is set"
    assert read_outputs(outputs)["build"] == "true"


def test_an_image_of_another_owner_is_not_built(repository: Repository, outputs: dict[str, str]) -> None:
    repository.edit("site/site.yaml", "image: ghcr.io/owner/", "image: ghcr.io/upstream/")
    list(pin(repository.root, FIRST))
    said = "nothing to build: site/site.yaml names an image of another repository, ghcr.io/upstream/seldon-mlflow-server"
    assert str(plan(repository.root, BRANCH, {**outputs, "REBUILD": "1"})) == said
    found = read_outputs(outputs)
    assert (found["build"], found["image"], found["void"]) == ("false", "", "false")
    assert found["reference"] == f"ghcr.io/upstream/seldon-mlflow-server@{FIRST}"


def test_a_push_that_touches_it_is_built(released: Repository, outputs: dict[str, str]) -> None:
    released.edit("server/settings_loader.py", '"""', '"""Another. ')
    assert str(plan(released.root, BRANCH, outputs)) == (
        f"build: what the image is made of differs from the pinned image {FIRST}"
    )
    written = read_outputs(outputs)
    assert (written["build"], written["digest"], written["image"]) == ("true", FIRST, "")


def test_what_is_proposed_already_is_not_built_again(
    released: Repository, tmp_path: Path, outputs: dict[str, str]
) -> None:
    released.edit("server/settings_loader.py", '"""', '"""Another. ')
    released.commit("Change the image")
    file = build(released, b"second", tmp_path / "second")
    released.git("switch", "--quiet", "--create", BRANCH)
    list(propose(released.root, SECOND, file, BRANCH, {}))
    released.commit("Pin the second image")
    released.git("switch", "--quiet", "main")
    clone = tmp_path / "clone"
    released.git("clone", "--quiet", ".", str(clone))
    assert str(plan(clone, BRANCH, outputs)) == (
        f"nothing to build: {SECOND}, which is proposed, is made of the same (REBUILD=1 builds)"
    )
    written = read_outputs(outputs)
    assert (written["build"], written["digest"], written["image"]) == ("false", FIRST, SECOND)
    assert written["void"] == "false"
    # What it was built for is taken back: nothing is built, and nothing should be merged.
    Repository(clone).edit("server/settings_loader.py", '"""Another. ', '"""')
    plan(clone, BRANCH, outputs)
    written = read_outputs(outputs)
    assert (written["build"], written["image"], written["void"]) == ("false", FIRST, "true")


def test_a_pin_by_hand_says_nothing_of_inputs(repository: Repository, outputs: dict[str, str]) -> None:
    list(propose(repository.root, FIRST, None, BRANCH, {}))
    assert str(plan(repository.root, BRANCH, outputs)) == (
        f"build: what the pinned image {FIRST} is made of is unknown: base/interface.json does not say"
    )
