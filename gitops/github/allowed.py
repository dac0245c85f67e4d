"""Whether a repository lets the token of a job make pull requests: asked before the work that ends with one."""

from __future__ import annotations

from collections.abc import Mapping

from gitops.errors import GithubFailed
from gitops.github.api import Api, GithubRefused

# What GitHub says where the setting is off, whatever the job's permissions.
_NOT_PERMITTED = "not permitted to create"


def allowed(environ: Mapping[str, str]) -> str:
    """Ask GitHub for a pull request that cannot be, from the default branch into itself; return what that says.

    The setting itself needs the permission Administration, which no job's token can have:
    https://docs.github.com/en/rest/actions/permissions#get-default-workflow-permissions-for-a-repository. A refusal
    for any other reason counts as a yes, for GitHub does not document which of its checks comes first.

    Raises:
        BadArgument: a variable is missing.
        GithubFailed: the token may not make pull requests, or GitHub does not answer.
    """
    with Api(environ) as api:
        base = str(api.get("")["default_branch"])
        try:
            api.send("POST", "/pulls", title="Never made", head=base, base=base)
        except GithubRefused as refused:
            if refused.status == 422:
                return f"{api.repository}: this token may make pull requests"
            raise clearer(refused, api.repository, environ) from refused
        return f"{api.repository}: this token may make pull requests"


def clearer(refused: GithubRefused, repository: str, environ: Mapping[str, str]) -> GithubFailed:
    """Return what a person can do about a pull request that GitHub did not make; else the refusal itself."""
    if refused.status == 403 and _NOT_PERMITTED in refused.said:
        server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
        return GithubFailed(
            f"{repository}: GitHub Actions may not make pull requests; tick “Allow GitHub Actions to create and approve "
            f"pull requests” under Workflow permissions at {server}/{repository}/settings/actions (Settings → Actions → "
            "General; where it is grey, first in the organization's or the enterprise's own Settings → Actions → "
            "General), run `make github-settings`, or set PULL_REQUEST_TOKEN or an App (docs/promote.md)"
        )
    if refused.status == 403:
        return GithubFailed(
            f"{repository}: this token may not make pull requests ({refused.said}); give the job `pull-requests: write` "
            "and `contents: write`, a token of your own the same permissions"
        )
    return refused
