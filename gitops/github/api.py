"""GitHub's REST API, as the environment of a workflow names it.

https://docs.github.com/en/rest and https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from gitops.errors import BadArgument, GithubFailed

TIMEOUT_SECONDS = 30
# Enough for 10,000 comments; a server that names a next page for ever must end.
_PAGES = 100
_VARIABLES = ("GITHUB_TOKEN", "GITHUB_REPOSITORY")


class Api:
    """The API of one repository, ``owner/name``, asked with the token of ``environ``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        missing = [name for name in _VARIABLES if not environ.get(name)]
        if missing:
            raise BadArgument(
                f"{' and '.join(missing)}: must be set, as GitHub Actions does; GITHUB_TOKEN from github.token in the step's env"
            )
        self.repository = environ["GITHUB_REPOSITORY"]
        self.token = environ["GITHUB_TOKEN"]
        self._url = f"{environ.get('GITHUB_API_URL') or 'https://api.github.com'}/repos/{self.repository}"
        self._client = httpx.Client(
            headers={"Accept": "application/vnd.github+json", "Authorization": f"Bearer {self.token}"},
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

    def all(self, path: str) -> list[Any]:
        """Return all entries of the list at ``path``, page by page."""
        found: list[Any] = []
        url: str | None = f"{self._url}{path}?per_page=100"
        for _ in range(_PAGES):
            if url is None:
                break
            answer = self._ask("GET", url)
            found += answer.json()
            url = answer.links.get("next", {}).get("url")
        return found

    def send(self, method: str, path: str, **content: str) -> Any:
        """Send ``content`` as JSON, and return what is answered."""
        return self._ask(method, f"{self._url}{path}", json=content).json()

    def _ask(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, url, **arguments)
        except httpx.HTTPError as error:
            raise GithubFailed(f"{method} {url}: GitHub does not answer: {error}") from error
        if not answer.is_success:
            raise GithubFailed(f"{method} {url}: GitHub says {answer.status_code}: {_message(answer)}")
        return answer


def _message(answer: httpx.Response) -> str:
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.text
    return " ".join(str(said).split())[:300]
