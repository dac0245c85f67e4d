"""Waiting for a commit's check: GitHub is a stand-in on loopback, whose state changes while the command pauses."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gitops.errors import BadArgument, GithubFailed, NotChecked
from gitops.release.checks import wait_for_check

COMMIT, HEAD = "a" * 40, "b" * 40
URL = "https://github.com/acme/models/runs/"


@dataclass
class Checks:
    """Check runs by their commit, what started them by their suite, and merged pull requests' heads with trees."""

    url: str = ""
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    broken: int = 0

    def add(
        self, status: str, event: str = "push", *, commit: str = COMMIT, app: str = "github-actions"
    ) -> None:
        """Add a check run that is queued, in_progress, or has ended as ``status`` says."""
        number = sum(map(len, self.runs.values())) + 1
        going = status in ("queued", "in_progress")
        self.events[str(number)] = event
        self.runs.setdefault(commit, []).append(
            {
                "id": number,
                "name": "ci",
                "status": status if going else "completed",
                "conclusion": None if going else status,
                "html_url": f"{URL}{number}",
                "app": {"slug": app},
                "check_suite": {"id": number},
            }
        )

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        if found := re.fullmatch(r"/commits/(\w+)/check-runs", path):
            wanted = [run for run in self.runs.get(found[1], ()) if [run["name"]] == query["check_name"]]
            return {"total_count": len(wanted), "check_runs": wanted}
        if path == "/actions/runs":
            return {"workflow_runs": [{"event": self.events[query["check_suite_id"][0]]}]}
        if path == f"/commits/{COMMIT}/pulls":
            return self.pulls
        if found := re.fullmatch(r"/git/commits/(\w+)", path):
            return {"sha": found[1], "tree": {"sha": self.trees[found[1]]}}
        return None

    @property
    def environ(self) -> dict[str, str]:
        return {"GITHUB_TOKEN": "hush", "GITHUB_REPOSITORY": "acme/models", "GITHUB_API_URL": self.url}


@pytest.fixture
def checks() -> Iterator[Checks]:
    made = Checks()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, found = (
                200,
                made.answer(parts.path.removeprefix("/repos/acme/models"), parse_qs(parts.query)),
            )
            if made.broken:
                made.broken, status, found = made.broken - 1, 502, {"message": "Bad gateway"}
            content = json.dumps(found).encode()
            self.send_response(status if found is not None else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def waited(checks: Checks, *changes: Callable[[], object], minutes: float = 2) -> list[str]:
    """Wait with a clock that the pauses alone move; each pause makes the next of ``changes``."""
    now, left = [0.0], list(changes)

    def pause(seconds: float) -> None:
        assert 5 <= seconds <= 30
        now[0] += seconds
        if left:
            left.pop(0)()

    return list(wait_for_check(COMMIT, "ci", minutes, checks.environ, pause=pause, clock=lambda: now[0]))


def test_a_check_is_waited_for_until_it_has_succeeded(checks: Checks) -> None:
    def start() -> None:
        checks.add("in_progress")

    def succeed() -> None:
        checks.runs[COMMIT][0].update(status="completed", conclusion="success")

    assert waited(checks, start, lambda: None, succeed) == [
        f"waiting for ci of {COMMIT}",
        f"waiting for ci of {COMMIT}: {URL}1",
        f"ci of {COMMIT} succeeded: {URL}1",
    ]


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "skipped", "action_required"])
def test_one_that_did_not_succeed_ends_the_wait_at_once(checks: Checks, conclusion: str) -> None:
    checks.add(conclusion)
    with pytest.raises(NotChecked) as failed:
        waited(checks)
    assert str(failed.value) == f"ci of {COMMIT} ended with {conclusion}: {URL}1; nothing is released"


def test_one_that_is_run_again_decides(checks: Checks) -> None:
    checks.add("failure")
    checks.add("in_progress", "merge_group")

    def succeed() -> None:
        checks.runs[COMMIT][1].update(status="completed", conclusion="success")

    assert waited(checks, succeed)[-1] == f"ci of {COMMIT} succeeded: {URL}2"


def test_it_does_not_wait_for_ever(checks: Checks) -> None:
    with pytest.raises(NotChecked) as failed:
        waited(checks, minutes=1)
    assert (
        str(failed.value)
        == f"ci of {COMMIT} did not end within 1 minutes: it never ran; run ci for its branch by hand"
    )
    checks.add("queued")
    with pytest.raises(NotChecked) as failed:
        waited(checks, minutes=1)
    assert str(failed.value) == f"ci of {COMMIT} did not end within 1 minutes: it is queued: {URL}1"


def test_a_pull_request_that_was_merged_as_it_was_tested_counts(checks: Checks) -> None:
    checks.pulls = [{"merged_at": "2026-01-01", "head": {"sha": HEAD}}]
    checks.trees = {COMMIT: "1", HEAD: "1"}
    checks.add("success", "pull_request", commit=HEAD)
    assert waited(checks) == [f"ci of {HEAD}, which has the same tree, succeeded: {URL}1"]


def test_one_that_was_merged_with_other_changes_does_not(checks: Checks) -> None:
    checks.pulls = [{"merged_at": "2026-01-01", "head": {"sha": HEAD}}]
    checks.trees = {COMMIT: "1", HEAD: "2"}
    checks.add("success", "pull_request", commit=HEAD)
    with pytest.raises(NotChecked, match="never ran"):
        waited(checks)


def test_who_may_not_read_pull_requests_waits(checks: Checks) -> None:
    checks.add("success")
    checks.broken = 1
    assert waited(checks) == [
        f"not compared with the pull request of {COMMIT}: GET {checks.url}/repos/acme/models/commits/{COMMIT}/pulls: "
        "GitHub says 502: Bad gateway",
        f"ci of {COMMIT} succeeded: {URL}1",
    ]


def test_what_another_app_says_or_was_tried_on_a_merge_does_not(checks: Checks) -> None:
    checks.add("success", app="somebody")
    checks.add("success", "pull_request")
    with pytest.raises(NotChecked, match="never ran"):
        waited(checks)


def test_an_error_of_github_now_and_then_is_none(checks: Checks) -> None:
    def stumble() -> None:
        checks.broken = 3
        checks.add("success")

    assert waited(checks, stumble)[-1] == f"ci of {COMMIT} succeeded: {URL}1"

    checks.runs.clear()
    with pytest.raises(GithubFailed, match="GitHub says 502: Bad gateway"):
        waited(checks, lambda: setattr(checks, "broken", 4))


def test_a_short_commit_is_refused(checks: Checks) -> None:
    with pytest.raises(BadArgument, match="COMMIT 'main': must be a whole commit id"):
        list(wait_for_check("main", "ci", 1, checks.environ))
