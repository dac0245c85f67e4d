"""The wait for an image: until origin pins one, whatever origin answers meanwhile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitops.adopt import Names
from gitops.errors import UpFailed
from gitops.manifests import image
from gitops.up import released
from gitops.up.fork import Fork
from gitops.up.polling import Wait
from tests import project

DIGEST = f"sha256:{'a' * 64}"


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", "-C", folder, *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of tmp_path/origin.git, a fork whose image is not released."""
    monkeypatch.setattr(released, "POLL_SECONDS", 0.0)
    folder = tmp_path / "clone"
    folder.mkdir()
    project.copy(folder)
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", tmp_path / "origin.git"], check=True
    )
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(folder, "push", "--quiet", "origin", "main")
    return folder


def merge_the_release(clone: Path) -> None:
    other = clone.with_name("other")
    git(clone.parent, "clone", "--quiet", str(clone.parent / "origin.git"), str(other))
    file = other / "base/kustomization.yaml"
    file.write_text(file.read_text().replace(image.UNRELEASED, DIGEST))
    git(other, "commit", "--quiet", "--all", "--message", "Pin")
    git(other, "push", "--quiet", "origin", "main")


def fork(clone: Path, wait: Wait) -> Fork:
    return Fork(clone, Names("acme", "models", "acme-models"), True, False, {}, wait)


def test_origin_that_fails_for_a_moment_is_asked_again(clone: Path) -> None:
    origin, away = clone.with_name("origin.git"), clone.with_name("away.git")
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if "no image is pinned yet" in line:
            origin.rename(away)
        elif line.endswith("; asked again"):
            away.rename(origin)
            merge_the_release(clone)

    assert released.wait(fork(clone, Wait(60, tell))) == f"took over {DIGEST}, which origin pins"
    assert "start one by `gh workflow run release.yml --repo acme/models`" in told[0]
    assert "does not appear to be a git repository" in told[1]
    assert DIGEST in (clone / "base/kustomization.yaml").read_text()


def test_the_end_says_what_is_left_and_what_failed(clone: Path) -> None:
    with pytest.raises(
        UpFailed, match=r"no image is pinned within 0 minutes: the workflow release builds it"
    ):
        released.wait(fork(clone, Wait(0, lambda line: None)))
    clone.with_name("origin.git").rename(clone.with_name("away.git"))
    with pytest.raises(
        UpFailed, match=r"within 0 minutes\n  the last answer: .*git said: .*not appear to be a"
    ):
        released.wait(fork(clone, Wait(0, lambda line: None)))
