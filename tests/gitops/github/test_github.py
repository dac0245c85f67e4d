"""The stand-in itself: that it refuses what GitHub refuses, and that git sees what its API made."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gitops.github.github import Github


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def first(github: Github, tmp_path: Path) -> str:
    """The first commit of main, with a file."""
    work = tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
    (work / "file").write_text("before\n")
    git(work, "add", "--all")
    git(work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "first")
    git(work, "push", "--quiet", str(github.git), "main")
    return git(work, "rev-parse", "HEAD")


def ask(github: Github, token: str, method: str, path: str, body: Any = None) -> httpx.Response:
    address = github.url + (path if path == "/graphql" else f"/repos/acme/models{path}")
    return httpx.request(method, address, json=body, headers={"Authorization": f"Bearer {token}"})


def update(github: Github, token: str, name: str, before: str, after: str, *, force: bool = False) -> Any:
    change = {"name": name, "beforeOid": before, "afterOid": after, "force": force}
    query = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"
    variables = {"input": {"repositoryId": "R_acme/models", "refUpdates": [change]}}
    return ask(github, token, "POST", "/graphql", {"query": query, "variables": variables}).json()


def commit(github: Github, token: str, parent: str, content: str, **more: Any) -> dict[str, Any]:
    blob = ask(github, token, "POST", "/git/blobs", {"content": content, "encoding": "utf-8"}).json()["sha"]
    entries = [{"path": "new", "mode": "100755", "type": "blob", "sha": blob}]
    tree = ask(github, token, "POST", "/git/trees", {"base_tree": parent, "tree": entries}).json()["sha"]
    body = {"message": "second", "tree": tree, "parents": [parent], **more}
    made: dict[str, Any] = ask(github, token, "POST", "/git/commits", body).json()
    return made


def test_what_the_api_commits_is_in_git(github: Github, first: str) -> None:
    token = github.token({"contents": "write"})
    made = commit(github, token, first, "after\n")
    assert made["verification"]["verified"]
    assert update(github, token, "refs/heads/bot", "0" * 40, made["sha"])["data"]["updateRefs"] is not None
    assert git(github.git, "log", "--format=%an %cn %s", "main..bot") == (
        "github-actions[bot] github-actions[bot] second"
    )
    assert git(github.git, "ls-tree", "bot", "new").startswith("100755 blob")
    compared = ask(github, token, "GET", "/compare/main...bot").json()
    assert (compared["status"], compared["merge_base_commit"]["sha"]) == ("ahead", first)
    assert [entry["filename"] for entry in compared["files"]] == ["new"]
    named = commit(github, token, first, "", author={"name": "a", "email": "a@example.com"})
    assert not named["verification"]["verified"]
    assert not commit(github, github.person("ann", {"contents": "write"}), first, "")["verification"][
        "verified"
    ]


def test_a_reference_that_is_elsewhere_stays(github: Github, first: str) -> None:
    token = github.token({"contents": "write"})
    after = commit(github, token, first, "after\n")["sha"]
    stale = update(github, token, "refs/heads/main", "0" * 40, after)
    assert stale["errors"] == [{"message": "Something went wrong while executing your query."}]
    assert git(github.git, "rev-parse", "main") == first
    update(github, token, "refs/heads/main", first, after)
    assert "errors" in update(github, token, "refs/heads/main", after, first)
    assert "errors" not in update(github, token, "refs/heads/main", after, first, force=True)
    update(github, token, "refs/heads/main", first, "0" * 40)
    assert git(github.git, "branch") == ""


@pytest.mark.parametrize(
    ("permissions", "method", "path", "status"),
    [
        ({}, "GET", "", 200),
        ({}, "GET", "/pulls", 403),
        ({"contents": "read"}, "POST", "/git/blobs", 403),
        ({"contents": "write"}, "POST", "/pulls", 403),
        ({"contents": "write"}, "GET", "/issues", 403),
        ({"pull-requests": "read"}, "GET", "/pulls", 200),
        ({"issues": "read"}, "POST", "/issues", 403),
        ({"contents": "write", "actions": "write"}, "GET", "/actions/permissions/workflow", 403),
    ],
)
def test_a_token_may_what_its_job_may(
    github: Github, permissions: dict[str, str], method: str, path: str, status: int
) -> None:
    token = github.token(permissions)
    answer = ask(github, token, method, path, {} if method == "POST" else None)
    assert answer.status_code == status
    assert status == 200 or answer.json()["message"] == "Resource not accessible by integration"
    assert [(call.method, call.token, call.status) for call in github.calls] == [(method, token, status)]


def test_an_unknown_token(github: Github) -> None:
    answer = ask(github, "none", "GET", "")
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_pull_request_from_beginning_to_end(github: Github, first: str) -> None:
    token = github.token({"contents": "write", "pull-requests": "write"})
    body = {"title": "A", "head": "bot", "base": "main"}
    git(github.git, "branch", "bot", "main")
    said = ask(github, token, "POST", "/pulls", body).json()["errors"][0]["message"]
    assert said == "No commits between main and bot"
    made = commit(github, token, first, "after\n")["sha"]
    update(github, token, "refs/heads/bot", first, made)
    github.workflow_permissions["can_approve_pull_request_reviews"] = False
    refused = ask(github, token, "POST", "/pulls", body)
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "GitHub Actions is not permitted to create or approve pull requests.",
    )
    github.workflow_permissions["can_approve_pull_request_reviews"] = True
    number = ask(github, token, "POST", "/pulls", body).json()["number"]
    assert ask(github, token, "POST", "/pulls", body).json()["errors"][0]["message"] == (
        "A pull request already exists for acme:bot."
    )
    ask(github, token, "PATCH", f"/pulls/{number}", {"title": "B"})
    assert [
        entry["title"] for entry in ask(github, token, "GET", "/pulls?head=acme:bot&state=open").json()
    ] == ["B"]
    # Put upon its base it is closed, and not merged.
    update(github, token, "refs/heads/bot", made, first, force=True)
    (closed,) = ask(github, token, "GET", "/pulls?state=closed").json()
    assert (closed["state"], closed["merged_at"]) == ("closed", None)
