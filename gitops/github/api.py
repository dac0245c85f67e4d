"""GitHub's REST and GraphQL APIs, as the environment of a workflow names them, and what its token may do.

https://docs.github.com/en/rest and https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, GithubFailed

TIMEOUT_SECONDS = 30
# Enough for 10,000 comments; a server that names a next page for ever must end.
_PAGES = 100
_VARIABLES = ("GITHUB_TOKEN", "GITHUB_REPOSITORY")


class GithubRefused(GithubFailed):
    """GitHub answered with an error: ``status`` is the HTTP status, ``message`` its text."""

    def __init__(self, request: str, status: int, message: str) -> None:
        super().__init__(f"{request}: GitHub says {status}: {message}")
        self.status, self.message = status, message


class Api:
    """The API of one repository, ``owner/name``, asked with the token of ``environ``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        missing = [name for name in _VARIABLES if not environ.get(name)]
        if missing:
            raise BadArgument(
                f"{' and '.join(missing)}: must be set, as GitHub Actions does; GITHUB_TOKEN from github.token in the step's env"
            )
        self.repository = environ["GITHUB_REPOSITORY"]
        api = environ.get("GITHUB_API_URL") or "https://api.github.com"
        self._url = f"{api}/repos/{self.repository}"
        self._graphql = environ.get("GITHUB_GRAPHQL_URL") or f"{api}/graphql"
        self._client = httpx.Client(
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {environ['GITHUB_TOKEN']}",
            },
            timeout=TIMEOUT_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: str) -> Any:
        """Return what is at ``path`` below the repository."""
        return self._ask("GET", f"{self._url}{path}", params=query).json()

    def find(self, path: str) -> Any:
        """Return what is at ``path`` below the repository, None where nothing is."""
        try:
            return self.get(path)
        except GithubRefused as refused:
            if refused.status == 404:
                return None
            raise

    def all(self, path: str, **query: str) -> list[Any]:
        """Return all entries of the list at ``path``, page by page."""
        found: list[Any] = []
        url: str | None = f"{self._url}{path}?{urlencode({**query, 'per_page': '100'})}"
        for _ in range(_PAGES):
            if url is None:
                break
            answer = self._ask("GET", url)
            found += answer.json()
            url = answer.links.get("next", {}).get("url")
        return found

    def send(self, method: str, path: str, **content: Any) -> Any:
        """Send ``content`` as JSON, and return what is answered."""
        return self._ask(method, f"{self._url}{path}", json=content).json()

    def login(self) -> str:
        """Return whose token this is, as issues and comments name their author.

        GraphQL says it of every kind of token; REST's /user refuses those of an App, and so those of a job.
        """
        answer = self._ask("POST", self._graphql, json={"query": "query { viewer { login } }"})
        content = answer.json()
        if errors := content.get("errors"):
            message = " ".join(str(errors[0].get("message")).split())[:300]
            raise GithubRefused(f"POST {self._graphql}", answer.status_code, message)
        return str(content["data"]["viewer"]["login"])

    def mutate(self, query: str, **variables: Any) -> None:
        """Send a mutation of GraphQL, whose answer says nothing but whether it was made."""
        answer = self._ask("POST", self._graphql, json={"query": query, "variables": variables})
        if errors := answer.json().get("errors"):
            message = " ".join(str(errors[0].get("message")).split())[:300]
            raise GithubRefused(f"POST {self._graphql}", answer.status_code, message)

    def _ask(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, url, **arguments)
        except httpx.HTTPError as error:
            raise GithubFailed(f"{method} {url}: GitHub does not answer: {error}") from error
        if not answer.is_success:
            raise GithubRefused(f"{method} {url}", answer.status_code, _message(answer))
        return answer


def _message(answer: httpx.Response) -> str:
    """Return what is wrong in one line: the message, and what each error adds to it."""
    try:
        content = answer.json()
        message = [content["message"]]
        message += [
            error.get("message") or f"{error.get('field')}: {error.get('code')}"
            for error in content.get("errors", [])
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        message = [answer.text]
    return " ".join(": ".join(map(str, message)).split())[:300]


# GitHub's message where the setting is off, with any permissions of the job.
_NOT_PERMITTED = "not permitted to create"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare no argument."""
    return lambda arguments, root: print_lines([pull_requests_allowed(os.environ)])


def pull_requests_allowed(environ: Mapping[str, str]) -> str:
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
            raise explain_refusal(refused, api.repository, environ) from refused
        return f"{api.repository}: this token may make pull requests"


def explain_refusal(refused: GithubRefused, repository: str, environ: Mapping[str, str]) -> GithubFailed:
    """Return what a person can do about a pull request that GitHub did not make; else the refusal itself."""
    if refused.status == 403 and _NOT_PERMITTED in refused.message:
        server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
        return GithubFailed(
            f"{repository}: GitHub Actions may not make pull requests; tick “Allow GitHub Actions to create and approve "
            f"pull requests” under Workflow permissions at {server}/{repository}/settings/actions (Settings → Actions → "
            "General; where it is grey, first in the organization's or the enterprise's own Settings → Actions → "
            "General), run `make github-settings`, or set PULL_REQUEST_TOKEN or an App (docs/promote.md)"
        )
    if refused.status == 403:
        return GithubFailed(
            f"{repository}: this token may not make pull requests ({refused.message}); give the job `pull-requests: write` "
            "and `contents: write`, a token of your own the same permissions"
        )
    return refused
