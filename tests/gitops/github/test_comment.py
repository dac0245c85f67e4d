"""The one comment of a pull request."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import BadArgument, GithubFailed
from gitops.github.comment import MARK, comment
from tests.gitops.github.github import Github


@pytest.fixture
def environ(github: Github) -> dict[str, str]:
    """Of the job of a pull request, the number 7."""
    github.issues.append({"number": 7, "state": "open"})
    return github.environ(github.token({"pull-requests": "write"}))


def comments(github: Github) -> list[str]:
    return [entry["body"] for entry in github.comments]


@pytest.fixture
def body(tmp_path: Path) -> Path:
    (tmp_path / "body.md").write_text("## What changes\n")
    return tmp_path / "body.md"


def test_it_is_written_once_and_then_changed_in_place(
    github: Github, environ: dict[str, str], body: Path
) -> None:
    # More than a page, and one that quotes it.
    github.page = 2
    github.comments = [{"id": number, "issue": 7, "body": f"> {MARK}"} for number in range(3)]
    assert comment("7", body, environ) == "pull request 7: commented"
    assert comments(github)[3] == f"{MARK}## What changes\n"
    body.write_text("## What else\n")
    assert comment("7", body, environ) == "pull request 7: its comment is up to date"
    assert comments(github)[3:] == [f"{MARK}## What else\n"]
    body.write_text("")
    comment("7", body, environ)
    assert comments(github)[3:] == [f"{MARK}Nothing that is rendered changes.\n"]


def test_nothing_to_say_makes_no_comment(github: Github, environ: dict[str, str], body: Path) -> None:
    body.write_text("")
    assert comment("7", body, environ) == "pull request 7: nothing to comment on"
    assert github.comments == []


def test_a_comparison_that_failed_does_not_pass_for_a_change_of_nothing(
    github: Github, environ: dict[str, str], body: Path
) -> None:
    comment("7", body, environ)
    body.write_text("")
    comment("7", body, {**environ, "DIFF": "failure", "GITHUB_RUN_ID": "5"})
    assert comments(github) == [
        f"{MARK}> [!CAUTION]\n> What this pull request changes is not known: comparing failed, and [the run]"
        f"({github.url}/acme/models/actions/runs/5) says why.\n"
    ]
    # Written, with a folder that does not build.
    body.write_text("## What changes\n")
    comment("7", body, {**environ, "DIFF": "failure"})
    assert comments(github) == [f"{MARK}## What changes\n"]


def test_a_token_that_only_reads(github: Github, environ: dict[str, str], body: Path) -> None:
    environ["GITHUB_TOKEN"] = github.token({"pull-requests": "read"})
    with pytest.raises(GithubFailed) as refused:
        comment("7", body, environ)
    assert str(refused.value) == (
        f"POST {github.url}/repos/acme/models/issues/7/comments: GitHub says 403: Resource not accessible by integration"
    )


def test_an_answer_of_several_lines(github: Github, environ: dict[str, str], body: Path) -> None:
    github.refuse = 503
    with pytest.raises(GithubFailed, match=r"GitHub says 503: Resource not accessible$"):
        comment("7", body, environ)


def test_github_does_not_answer(environ: dict[str, str], body: Path) -> None:
    with pytest.raises(GithubFailed, match=r"GitHub does not answer: .*refused"):
        comment("7", body, {**environ, "GITHUB_API_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("number", "variables", "text", "said"),
    [
        ("", {}, "", "PULL_REQUEST '': must be a pull request's number"),
        ("7/files", {}, "", "PULL_REQUEST '7/files': must be a pull request's number"),
        (
            "7",
            {"GITHUB_TOKEN": "", "GITHUB_REPOSITORY": ""},
            "",
            "GITHUB_TOKEN and GITHUB_REPOSITORY: must be set, as GitHub Actions does; GITHUB_TOKEN from github.token in "
            "the step's env",
        ),
        (
            "7",
            {},
            "x" * 65_536,
            "body.md: has 65536 characters: a comment has up to 65499; make it by LIMIT=65000",
        ),
    ],
    ids=["empty", "no-number", "variables", "too-long"],
)
def test_what_cannot_be_commented(
    github: Github,
    environ: dict[str, str],
    body: Path,
    number: str,
    variables: dict[str, str],
    text: str,
    said: str,
) -> None:
    body.write_text(text)
    with pytest.raises(BadArgument) as refused:
        comment(number, body, {**environ, **variables})
    assert str(refused.value).removeprefix(f"{body.parent}/") == said
    assert github.comments == []
