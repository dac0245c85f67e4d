"""A stand-in for GitHub on loopback: its REST and GraphQL interfaces over a real bare git repository.

It knows one repository and refuses what GitHub refuses a token: https://docs.github.com/en/rest
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.gitops.github.answer import Answer, Refused
from tests.gitops.github.bare import Bare
from tests.gitops.github.graphql import graphql
from tests.gitops.github.pulls import settle
from tests.gitops.github.routes import rest

REPOSITORY = "acme/models"
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
PERMISSIONS = {
    *("actions", "artifact-metadata", "attestations", "checks", "contents", "deployments", "discussions"),
    *("id-token", "issues", "models", "packages", "pages", "pull-requests", "security-events", "statuses"),
}
BOT = {"name": "github-actions[bot]", "email": "41898282+github-actions[bot]@users.noreply.github.com"}


@dataclass(frozen=True)
class Token:
    """Whose it is, and what it may do. ``kind`` is ``job``, ``app`` or ``person``."""

    kind: str
    name: str
    email: str
    permissions: Mapping[str, str]

    def may(self, permission: str, level: str) -> bool:
        return self.permissions.get(permission, "none") in ("write", level)


@dataclass(frozen=True)
class Call:
    """One request, by whose token, and how it was answered."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    token: str
    status: int


@dataclass
class Github:
    """What it holds, and how the repository is set."""

    folder: Path
    url: str = ""
    repository: str = REPOSITORY
    private: bool = False
    default_branch: str = "main"
    # Settings → Actions → General → Workflow permissions.
    workflow_permissions: dict[str, Any] = field(
        default_factory=lambda: {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": True,
        }
    )
    pulls: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    # Each with the "issue" that it stands at.
    comments: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    check_runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    # Each with its "event" and the "check_suite_id" of its jobs' check runs.
    workflow_runs: list[dict[str, Any]] = field(default_factory=list)
    # Patterns of references that a ruleset keeps everybody from changing.
    protected: list[str] = field(default_factory=list)
    # Commits that GitHub signed.
    verified: set[str] = field(default_factory=set)
    # The status of all answers, where it is not 0.
    refuse: int = 0
    # How many entries a page has at most.
    page: int = 100
    calls: list[Call] = field(default_factory=list)
    # Called with method and path before each request is answered: what happens at the same time.
    meanwhile: Callable[[str, str], None] = lambda method, path: None
    tokens: dict[str, Token] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.bare = Bare(self.folder / f"{self.repository}.git")

    @property
    def git(self) -> Path:
        """The bare repository; what is pushed into it is seen at once."""
        return self.bare.folder

    def token(self, permissions: Mapping[str, str]) -> str:
        """Return a token as a job with ``permissions`` gets it.

        Raises:
            ValueError: no job can have them.
        """
        if unknown := {*permissions} - PERMISSIONS:
            raise ValueError(f"{sorted(unknown)}: no permission of a workflow")
        return self._register(Token("job", **BOT, permissions={**permissions, "metadata": "read"}))

    def app(self, slug: str, permissions: Mapping[str, str]) -> str:
        """Return the token of a GitHub App's installation."""
        who = {"name": f"{slug}[bot]", "email": f"1234567+{slug}[bot]@users.noreply.github.com"}
        return self._register(Token("app", **who, permissions={**permissions, "metadata": "read"}))

    def person(self, login: str, permissions: Mapping[str, str]) -> str:
        """Return a fine-grained personal token."""
        who = {"name": login, "email": f"{login}@example.com"}
        return self._register(Token("person", **who, permissions={**permissions, "metadata": "read"}))

    def _register(self, token: Token) -> str:
        word = f"{token.kind}-hush-{len(self.tokens)}"
        self.tokens[word] = token
        return word

    def number(self) -> int:
        """The next number of an issue or a pull request."""
        return 1 + max((entry["number"] for entry in [*self.pulls, *self.issues]), default=0)

    def environ(self, token: str) -> dict[str, str]:
        """The variables of a workflow's step."""
        return {
            "GITHUB_TOKEN": token,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_OWNER": self.repository.partition("/")[0],
            "GITHUB_API_URL": self.url,
            "GITHUB_GRAPHQL_URL": f"{self.url}/graphql",
            "GITHUB_SERVER_URL": self.url,
        }

    def answer(
        self, method: str, path: str, query: Mapping[str, list[str]], body: Any, authorization: str
    ) -> Answer:
        """Return what GitHub says to a request, and keep it in mind."""
        word = authorization.removeprefix("Bearer ").removeprefix("token ")
        with self.lock:
            self.meanwhile(method, path)
            try:
                answer = self._answer(method, path, query, body, word)
            except Refused as refused:
                answer = refused.answer()
            self.calls.append(Call(method, path, query, body, word, answer.status))
        return answer

    def _answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any, word: str) -> Answer:
        if self.refuse:
            raise Refused(self.refuse, "Resource not\naccessible")
        if word not in self.tokens:
            raise Refused(401, "Bad credentials")
        settle(self)
        token = self.tokens[word]
        if (method, path) == ("POST", "/graphql"):
            answer = graphql(self, token, body)
        else:
            answer = rest(self, token, method, path, query, body)
        settle(self)
        return answer


@contextmanager
def serving(folder: Path) -> Iterator[Github]:
    """Run one with its repository below ``folder``."""
    github = Github(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _respond(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "null")
            answer = github.answer(
                self.command, unquote(parts.path), query, body, self.headers["Authorization"] or ""
            )
            content = b"" if answer.content is None else json.dumps(answer.content).encode()
            self.send_response(answer.status)
            if answer.next_page is not None:
                pairs = [f"{name}={values[0]}" for name, values in query.items() if name != "page"]
                address = f"{github.url}{parts.path}?{'&'.join([*pairs, f'page={answer.next_page}'])}"
                self.send_header("Link", f'<{address}>; rel="next"')
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def do_PATCH(self) -> None:
            self._respond()

        def do_PUT(self) -> None:
            self._respond()

        def do_DELETE(self) -> None:
            self._respond()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        github.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
