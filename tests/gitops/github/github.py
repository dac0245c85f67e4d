"""A stand-in for GitHub on loopback: comments and pull requests of one repository, and a bare git repository."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/models"
TOKEN = "hush-hush"
PAGE = 2


@dataclass
class Github:
    """What it holds. ``refuse`` is the status of all answers, where it is not 0."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    refuse: int = 0

    def environ(self, folder: Path | None = None) -> dict[str, str]:
        """The variables of a workflow; git is served from ``folder``."""
        return {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": f"file://{folder}",
        }


def _answer(github: Github, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Any:
    match method, path.removeprefix(f"/repos/{REPOSITORY}").strip("/").split("/"):
        case "GET", [""]:
            return {"default_branch": "main"}
        case "GET", ["issues", "7", "comments"]:
            first = PAGE * (int(query.get("page", ["1"])[0]) - 1)
            return github.comments[first : first + PAGE]
        case "POST", ["issues", "7", "comments"]:
            github.comments.append({"id": 100 + len(github.comments), **body})
            return github.comments[-1]
        case "PATCH", ["issues", "comments", number]:
            entry = next(entry for entry in github.comments if entry["id"] == int(number))
            return entry.update(body) or entry
        case "GET", ["pulls"]:
            heads = [f"acme:{entry['head']}" for entry in github.pulls]
            return [entry for entry, head in zip(github.pulls, heads, strict=True) if [head] == query["head"]]
        case "POST", ["pulls"]:
            github.pulls.append({"number": 8 + len(github.pulls), **body})
            return github.pulls[-1]
        case "PATCH", ["pulls", number]:
            entry = next(entry for entry in github.pulls if entry["number"] == int(number))
            return entry.update(body) or entry
    return None


@contextmanager
def serving() -> Iterator[Github]:
    github = Github()

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
            authorized = self.headers["Authorization"] == f"Bearer {TOKEN}"
            found = _answer(github, self.command, parts.path, query, body) if authorized else None
            status = github.refuse or (200 if found is not None else 404)
            content = json.dumps(found if status == 200 else {"message": "Resource not\naccessible"}).encode()
            self.send_response(status)
            page = int(query.get("page", ["1"])[0])
            if parts.path.endswith("/comments") and PAGE * page < len(github.comments):
                self.send_header("Link", f'<{github.url}{parts.path}?page={page + 1}>; rel="next"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def do_PATCH(self) -> None:
            self._respond()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        github.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
