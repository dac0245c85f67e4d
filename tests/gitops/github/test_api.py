"""Whether pull requests may be made, asked before there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import GithubFailed
from gitops.github.api import pull_requests_allowed
from tests.gitops.github.github import Github
from tests.gitops.github.test_github import first, git  # noqa: F401

PERMISSIONS = {"contents": "write", "pull-requests": "write"}


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("kind", ["token", "app", "person"])
def test_where_it_is_allowed_nothing_is_made(github: Github, kind: str) -> None:
    # It is the workflow's token alone that the setting holds for.
    github.workflow_permissions["can_approve_pull_request_reviews"] = kind == "token"
    token = github.token(PERMISSIONS) if kind == "token" else getattr(github, kind)("someone", PERMISSIONS)
    assert pull_requests_allowed(github.environ(token)) == "acme/models: this token may make pull requests"
    assert (github.pulls, github.issues) == ([], [])


@pytest.mark.usefixtures("first")
def test_where_the_setting_is_off(github: Github) -> None:
    github.workflow_permissions["can_approve_pull_request_reviews"] = False
    with pytest.raises(GithubFailed) as refused:
        pull_requests_allowed(github.environ(github.token(PERMISSIONS)))
    assert str(refused.value) == (
        "acme/models: GitHub Actions may not make pull requests; tick “Allow GitHub Actions to create and approve pull "
        f"requests” under Workflow permissions at {github.url}/acme/models/settings/actions (Settings → Actions → "
        "General; where it is grey, first in the organization's or the enterprise's own Settings → Actions → General), run "
        "`make github-settings`, or set PULL_REQUEST_TOKEN or an App (docs/promote.md)"
    )


@pytest.mark.usefixtures("first")
def test_a_job_without_the_permission(github: Github, tmp_path: Path) -> None:
    with pytest.raises(GithubFailed) as refused:
        pull_requests_allowed(github.environ(github.token({"contents": "read"})))
    assert str(refused.value) == (
        "acme/models: this token may not make pull requests (Resource not accessible by integration); give the job "
        "`pull-requests: write` and `contents: write`, a token of your own the same permissions"
    )
