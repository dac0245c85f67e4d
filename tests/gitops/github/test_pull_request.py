"""The one pull request of a branch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitops.errors import BadArgument, GithubFailed
from gitops.github.pull_request import pull_request
from tests.gitops.github.github import Github


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def work(tmp_path: Path, github: Github) -> Path:
    """A clone with a changed, a new and an ignored file, and with the text of a pull request."""
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / ".gitignore").write_text("/ignored\n")
    (folder / "changed").write_text("before\n")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first")
    git(folder, "push", "--quiet", str(github.git), "main")
    for name in ("changed", "new", "ignored", "body.md"):
        (folder / name).write_text("after\n")
    return folder


def environ(github: Github) -> dict[str, str]:
    token = github.token({"contents": "write", "pull-requests": "write"})
    return {**github.environ(token), "GITHUB_SERVER_URL": f"file://{github.folder}"}


def propose(work: Path, github: Github, branch: str = "promote/moved", title: str = "Promote") -> str:
    return pull_request(work, branch, title, work / "body.md", environ(github))


def pushed(github: Github, *arguments: str) -> str:
    return git(github.git, *arguments)


def test_what_changed_is_proposed_once_and_then_updated(work: Path, github: Github) -> None:
    before = (git(work, "status", "--porcelain"), git(work, "rev-parse", "HEAD", "--abbrev-ref", "HEAD"))
    assert propose(work, github) == "pull request 1 is open"
    assert [(entry["title"], entry["body"]) for entry in github.pulls] == [("Promote", "after\n")]
    assert pushed(github, "diff", "--name-status", "main", "promote/moved").split() == [
        "M",
        "changed",
        "A",
        "new",
    ]
    assert pushed(github, "log", "--format=%an %s", "main..promote/moved") == "github-actions[bot] Promote"
    after = (git(work, "status", "--porcelain"), git(work, "rev-parse", "HEAD", "--abbrev-ref", "HEAD"))
    assert after == before

    (work / "body.md").write_text("more\n")
    (work / "changed").write_text("later\n")
    assert propose(work, github, title="Promote more") == "pull request 1 is up to date"
    assert [(entry["title"], entry["body"]) for entry in github.pulls] == [("Promote more", "more\n")]
    assert pushed(github, "show", "promote/moved:changed") == "later"
    assert pushed(github, "rev-list", "--count", "main..promote/moved") == "1"


def test_nothing_changed(work: Path, github: Github) -> None:
    git(work, "checkout", "--quiet", "changed")
    (work / "new").unlink()
    assert propose(work, github) == "nothing changed, so there is nothing to propose"
    assert github.pulls == []
    assert pushed(github, "branch", "--format=%(refname:short)") == "main"


@pytest.mark.parametrize(
    ("branch", "title", "said"),
    [
        ("", "Promote", "BRANCH '': must be the name of a branch, as in promote/moved"),
        ("a..b", "Promote", "BRANCH 'a..b': must be the name of a branch, as in promote/moved"),
        ("main", "Promote", "BRANCH 'main': is the branch to merge into; name another"),
        ("a", " ", "TITLE ' ': must be one line that says what changes"),
        ("a", "b\nc", "TITLE 'b\\nc': must be one line that says what changes"),
    ],
)
def test_what_cannot_be_proposed(work: Path, github: Github, branch: str, title: str, said: str) -> None:
    with pytest.raises(BadArgument) as refused:
        propose(work, github, branch, title)
    assert str(refused.value) == said
    assert pushed(github, "branch", "--format=%(refname:short)") == "main"


def test_a_push_that_is_refused(work: Path, github: Github) -> None:
    variables = {**environ(github), "GITHUB_SERVER_URL": f"file://{work}/none"}
    with pytest.raises(GithubFailed, match="git push ended with 128: ") as refused:
        pull_request(work, "promote/moved", "Promote", work / "body.md", variables)
    assert variables["GITHUB_TOKEN"] not in str(refused.value)
    assert github.pulls == []


def test_a_text_that_is_not_there(work: Path, github: Github) -> None:
    with pytest.raises(BadArgument, match="BODY '/none': cannot be read"):
        pull_request(work, "promote/moved", "Promote", Path("/none"), environ(github))
