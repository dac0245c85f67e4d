"""The one issue that says which scheduled workflows fail."""

from __future__ import annotations

import json

import pytest

from gitops.errors import BadArgument
from gitops.github.issue import MARK, TITLE, report_failures
from tests.gitops.github.github import Github


def said(github: Github, workflow: str, run: str = "7", **results: str) -> str:
    needs = json.dumps({job: {"result": result, "outputs": {}} for job, result in results.items()})
    environ = github.environ(github.token({"issues": "write"}))
    return report_failures({**environ, "GITHUB_WORKFLOW": workflow, "GITHUB_RUN_ID": run, "NEEDS": needs})


def lines(github: Github, number: int = 0) -> list[str]:
    text = github.issues[number]["body"].replace(f"{github.url}/{github.repository}", "")
    return [line for line in text.splitlines() if line.startswith("- ")]


def comments(github: Github) -> list[str]:
    return [entry["body"].partition(" (")[0] for entry in github.comments]


def test_what_fails_is_one_issue_until_nothing_does(github: Github) -> None:
    assert said(github, "weekly", locks="success", image="skipped") == "weekly: nothing fails"
    assert github.issues == []

    assert (
        said(github, "weekly", locks="failure", image="cancelled", pinned="success")
        == "weekly: issue 1 is open"
    )
    assert (github.issues[0]["title"], github.issues[0]["state"]) == (TITLE, "open")
    assert lines(github) == ["- **weekly**: image, locks ([run](/actions/runs/7))"]

    # The same again tells nobody, another job and another workflow do.
    said(github, "weekly", "8", locks="failure", image="cancelled")
    assert comments(github) == []
    said(github, "promote", "9", promote="failure", propose="skipped")
    said(github, "weekly", "10", locks="failure", image="success")
    assert lines(github) == [
        "- **promote**: promote ([run](/actions/runs/9))",
        "- **weekly**: locks ([run](/actions/runs/10))",
    ]
    assert comments(github) == ["- **promote**: promote", "- **weekly**: locks"]

    assert said(github, "weekly", locks="success") == "weekly: issue 1 is up to date"
    assert lines(github) == ["- **promote**: promote ([run](/actions/runs/9))"]
    assert said(github, "promote", promote="success") == "promote: issue 1 is closed"
    assert github.issues[0]["state"] == "closed"
    assert github.comments[-1]["body"] == "promote passes again."

    assert said(github, "weekly", locks="failure") == "weekly: issue 2 is open"


def test_what_a_person_wrote_is_left_alone(github: Github) -> None:
    github.issues.append(
        {
            "number": github.number(),
            "title": "Look",
            "body": f"{MARK}\n- **weekly**: x",
            "state": "open",
            "labels": [],
        }
        | {"user": {"login": "ada", "type": "User"}}
    )
    assert said(github, "weekly", locks="failure").endswith("is open")
    assert github.issues[0]["body"] == f"{MARK}\n- **weekly**: x"
    assert len(github.issues) == 2


@pytest.mark.parametrize("needs", ["", "[]", '{"a": 1}', "{"])
def test_needs_are_those_of_the_workflow(github: Github, needs: str) -> None:
    environ = github.environ(github.token({"issues": "write"}))
    with pytest.raises(BadArgument, match=r"^NEEDS .*: must be `toJSON\(needs\)` of the workflow"):
        report_failures({**environ, "GITHUB_WORKFLOW": "weekly", "NEEDS": needs})
