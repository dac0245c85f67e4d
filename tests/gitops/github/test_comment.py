"""The one comment of a pull request."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import BadArgument, GithubFailed
from gitops.github.comment import MARK, comment
from gitops.markdown import CommentState
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
    bot = {"login": "github-actions[bot]", "type": "Bot"}
    github.comments = [{"id": number, "issue": 7, "body": f"> {MARK}", "user": bot} for number in range(3)]
    assert comment("7", body, environ) == "pull request 7: commented"
    assert comments(github)[3] == f"{MARK}## What changes\n"
    body.write_text("## What else\n")
    assert comment("7", body, environ) == "pull request 7: its comment is up to date"
    assert comments(github)[3:] == [f"{MARK}## What else\n"]
    body.write_text("")
    comment("7", body, environ)
    assert comments(github)[3:] == [f"{MARK}Nothing that is rendered changes.\n"]


@pytest.mark.parametrize(
    "user",
    [
        {"login": "mallory", "type": "User"},
        {"login": "other[bot]", "type": "Bot"},
        {"login": "github-actions"},
        None,
    ],
    ids=["person", "other-app", "name-without-bot", "deleted"],
)
def test_a_comment_of_another_author_is_left_alone(
    github: Github, environ: dict[str, str], body: Path, user: dict[str, str] | None
) -> None:
    theirs = {"id": 1, "issue": 7, "body": f"{MARK}All is well.", "user": user}
    github.comments = [dict(theirs)]
    assert comment("7", body, environ) == "pull request 7: commented"
    assert github.comments[0] == theirs
    assert comment("7", body, environ) == "pull request 7: its comment is up to date"
    assert comments(github) == [theirs["body"], f"{MARK}## What changes\n"]


@pytest.mark.parametrize("kind", ["app", "person"])
def test_an_app_and_a_person_find_their_own(
    github: Github, environ: dict[str, str], body: Path, kind: str
) -> None:
    token = (github.app if kind == "app" else github.person)("releaser", {"pull-requests": "write"})
    comment("7", body, environ)
    environ["GITHUB_TOKEN"] = token
    assert comment("7", body, environ) == "pull request 7: commented"
    assert comment("7", body, environ) == "pull request 7: its comment is up to date"
    assert len(github.comments) == 2


def written(base: str, head: str, **changes: str) -> str:
    return f"## What changes\n\n- all\n<!-- state {CommentState(base, head * 40, changes)} -->\n"


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (
            written("main", "b", same="1", other="2", new="1"),
            "**Since the last push** (`aaaaaaa`): `other` changes otherwise, `new` changes too, `gone` changes no more.",
        ),
        (
            written("main", "b", same="1", other="1", gone="1"),
            "**Since the last push** (`aaaaaaa`): nothing that is rendered changed.",
        ),
        (written("next", "b", same="2"), "**Compared anew:** the base is `next` now, it was `main`."),
        # Nothing was pushed: the base alone was edited.
        (written("next", "a", same="2"), "**Compared anew:** the base is `next` now, it was `main`."),
        (written("main", "a", same="1"), ""),
        ("## What changes\n\n- all\n", ""),
    ],
    ids=["changes", "nothing", "other-base", "other-base-alone", "same-commit", "no-state"],
)
def test_what_is_new_since_the_last_push(
    github: Github, environ: dict[str, str], body: Path, again: str, said: str
) -> None:
    body.write_text(written("main", "a", same="1", other="1", gone="1"))
    comment("7", body, environ)
    body.write_text(again)
    comment("7", body, environ)
    (text,) = comments(github)
    assert text == MARK + (
        again.replace("## What changes\n", f"## What changes\n\n{said}\n") if said else again
    )


def test_only_the_end_of_a_comment_is_its_state(github: Github, environ: dict[str, str], body: Path) -> None:
    quoted = f"<!-- state {CommentState('evil', 'c' * 40, {})} -->"
    first = written("main", "a", same="1").replace("- all", quoted)
    # As GitHub may keep it.
    github.comments = [
        {
            "id": 1,
            "issue": 7,
            "body": (MARK + first).replace("\n", "\r\n"),
            "user": {"login": "github-actions[bot]"},
        }
    ]
    body.write_text(written("main", "b", **{"same": "1", "--><b>": "1"}))
    comment("7", body, environ)
    assert "(`aaaaaaa`): `--><b>` changes too." in comments(github)[0]
    assert comments(github)[0].count("-->") == 3


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
            "body.md: has 65536 characters: a comment has up to 65499; make it by LIMIT=64000",
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
