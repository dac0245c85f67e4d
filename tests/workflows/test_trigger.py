"""Which workflows an event starts, by the patterns and rules of GitHub's documentation."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.workflows.event import Event
from tests.workflows.pattern import matches, selected
from tests.workflows.trigger import starts
from tests.workflows.workflow import BadWorkflow, Workflow, parse


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("feature/*", ["feature/a", "feature/"], ["feature/a/b", "features/a"]),
        ("feature/**", ["feature/a", "feature/a/b"], ["main"]),
        ("*", ["main"], ["a/b"]),
        ("**", ["main", "a/b"], []),
        ("v2*", ["v2", "v2.0"], ["v1"]),
        ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.0"]),
        ("*.jsx?", ["page.js", "page.jsx"], ["page.ts", "a/page.js"]),
        ("**.js", ["index.js", "src/js/app.js"], ["index.jsx"]),
        ("docs/**/*.md", ["docs/a.md", "docs/a/b.md"], ["a.md"]),
        ("**/docs/**", ["docs/a", "dir/docs/b/c"], ["docs"]),
        ("uv.lock", ["uv.lock"], ["uvxlock", "a/uv.lock"]),
    ],
)
def test_a_pattern_means_what_github_says(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in (*yes, *no) if matches(pattern, text)] == yes


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = ["releases/**", "!releases/**-alpha", "releases/x-alpha"]
    found = [selected(patterns, f"releases/{name}") for name in ("10", "10-alpha", "x-alpha")]
    assert found == [True, False, True]


def workflow(on: Any) -> Workflow:
    jobs = {"one": {"runs-on": "ubuntu-24.04", "steps": [{"run": "true"}]}}
    return parse("workflow.yml", yaml.safe_dump({"on": on, "jobs": jobs}))


PUSH = Event("push", "refs/heads/main", "", {}, changed=("server/a.py", "docs/b.md"))
TAG = Event("push", "refs/tags/v1.2.3", "", {})
PULL = Event(
    "pull_request", "refs/pull/7/merge", "", {}, type="opened", target="main", changed=("docs/b.md",)
)
EDITED = Event("pull_request", "refs/pull/7/merge", "", {}, type="edited", target="main")
GROUP = Event(
    "merge_group", "refs/heads/gh-readonly-queue/main/x", "", {}, type="checks_requested", target="main"
)
CLOCK = Event("schedule", "refs/heads/main", "", {"schedule": "41 4 * * 1"})
EVENTS = {"push": PUSH, "tag": TAG, "pull": PULL, "edited": EDITED, "group": GROUP, "clock": CLOCK}


@pytest.mark.parametrize(
    ("on", "started"),
    [
        ("push", ["push", "tag"]),
        (["push", "pull_request", "merge_group"], ["push", "tag", "pull", "group"]),
        ({"push": {"branches": ["main"]}}, ["push"]),
        ({"push": {"branches": ["release/**"]}}, []),
        ({"push": {"branches-ignore": ["main"]}}, []),
        ({"push": {"tags": ["v*"]}}, ["tag"]),
        ({"push": {"branches": ["main"], "tags": ["v*"]}}, ["push", "tag"]),
        ({"push": {"tags-ignore": ["v1*"]}}, []),
        # A tag has no paths.
        ({"push": {"paths": ["server/**"]}}, ["push", "tag"]),
        ({"push": {"paths": ["base/**"]}}, ["tag"]),
        ({"push": {"paths": ["**", "!server/**"]}}, ["push", "tag"]),
        ({"push": {"paths-ignore": ["**"]}}, ["tag"]),
        ({"pull_request": {"paths-ignore": ["docs/**"]}}, []),
        ({"pull_request": {"branches": ["main"]}}, ["pull"]),
        ({"pull_request": {"branches": ["release"]}}, []),
        ({"pull_request": {"types": ["opened", "edited"]}}, ["pull", "edited"]),
        ({"pull_request": {"types": "edited"}}, ["edited"]),
        ({"merge_group": None}, ["group"]),
        ({"schedule": [{"cron": "0 0 * * *"}, {"cron": "41 4 * * 1"}]}, ["clock"]),
        ({"schedule": [{"cron": "0 0 * * *"}]}, []),
        ({"workflow_dispatch": None, "workflow_call": None}, []),
    ],
)
def test_an_event_starts_what_is_filtered_for_it(on: Any, started: list[str]) -> None:
    assert [name for name, event in EVENTS.items() if starts(workflow(on), event)] == started


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ({"pushed": None}, "no such event"),
        ({"push": {"branch": ["main"]}}, "unknown key 'branch'"),
        ({"push": {"paths": ["a"], "paths-ignore": ["b"]}}, "exclude each other"),
        ({"pull_request": {"types": ["changed"]}}, "no activity 'changed'"),
    ],
)
def test_an_event_that_github_has_not_is_refused(on: Any, message: str) -> None:
    with pytest.raises(BadWorkflow, match=message):
        starts(workflow(on), PUSH)
