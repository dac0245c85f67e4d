"""What ci.yml runs for an event, and what its last job says of the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitops.github.ci import JOBS, PATHS, failures, jobs
from tests.project import ROOT


def running(name: str, event: dict[str, Any], changed: list[str]) -> set[str]:
    return {job for job, runs in jobs(name, event, changed).items() if runs}


@pytest.mark.parametrize(
    ("name", "event", "changed", "expected"),
    [
        ("push", {}, ["server/api/node.py"], {"test"}),
        ("workflow_dispatch", {}, [], {"test"}),
        ("pull_request", {"action": "opened"}, ["docs/install.md"], {"test", "review"}),
        ("pull_request", {"action": "synchronize"}, ["overlays/churn/node.yaml"], {"test", "review"}),
        (
            "pull_request",
            {"action": "synchronize"},
            ["base/node.yaml", "tests/manifests/base/node.yaml"],
            {"test", "review", "e2e"},
        ),
        (
            "pull_request",
            {"action": "synchronize"},
            ["tools/seldon-core/uv.lock"],
            {"test", "review", "image"},
        ),
        (
            "pull_request",
            {"action": "reopened"},
            ["README.md", "server/a/b.py"],
            {"test", "review", "image", "e2e"},
        ),
        (
            "pull_request",
            {"action": "edited", "changes": {"title": {"from": "a"}}},
            ["server/api/node.py"],
            set(),
        ),
        ("pull_request", {"action": "edited", "changes": {"base": {}}}, ["a"], {"test", "review"}),
        ("merge_group", {}, ["Dockerfile"], {"test", "review", "image", "e2e"}),
    ],
    ids=[
        "push",
        "dispatch",
        "docs",
        "overlay",
        "manifests",
        "wrapper",
        "server",
        "title",
        "base",
        "merge-group",
    ],
)
def test_the_jobs_of_an_event(
    name: str, event: dict[str, Any], changed: list[str], expected: set[str]
) -> None:
    assert running(name, event, changed) == expected


def test_other_machines_are_for_a_repository_that_wants_them() -> None:
    assert jobs("push", {}, [], machines=True) == {**jobs("push", {}, []), "machines": True}
    title = {"action": "edited", "changes": {"title": {"from": "a"}}}
    assert not any(jobs("pull_request", title, [], machines=True).values())


def test_every_path_that_starts_a_job_exists() -> None:
    for pattern in {pattern for patterns in PATHS.values() for pattern in patterns}:
        assert (ROOT / pattern.removesuffix("/*")).exists(), pattern


def needs(**changed: str) -> dict[str, Any]:
    outputs = {"test": "true", "review": "true", "image": "false", "e2e": "false", "machines": "false"}
    found: dict[str, Any] = {"changes": {"result": "success", "outputs": outputs}}
    results = {
        "test": "success",
        "review": "success",
        **dict.fromkeys((*PATHS, "machines"), "skipped"),
        **changed,
    }
    return found | {job: {"result": results[job], "outputs": {}} for job in JOBS}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"test": "failure"}, ["test: failure, must be success"]),
        (
            {"test": "cancelled", "review": "skipped"},
            ["test: cancelled, must be success", "review: skipped, must be success"],
        ),
        ({"image": "failure"}, ["image: failure, must be skipped"]),
    ],
    ids=["all", "failed", "cancelled", "unexpected"],
)
def test_a_job_passes_only_by_success_or_where_it_had_nothing_to_do(
    changed: dict[str, str], expected: list[str]
) -> None:
    assert list(failures(needs(**changed))) == expected


def test_nothing_passes_where_nobody_knows_what_was_to_run() -> None:
    found = needs() | {"changes": {"result": "failure", "outputs": {}}}
    assert "changes: failure, must be success" in list(failures(found))


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def merge(tmp_path: Path) -> Path:
    """A merge of a branch that adds server/new.py, as a pull request's run checks it out."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    git(folder, "checkout", "--quiet", "-b", "topic")
    (folder / "server").mkdir()
    (folder / "server/new.py").touch()
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=topic")
    git(folder, "checkout", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "--message=merge", "topic")
    return folder


def command(folder: Path, name: str, event: dict[str, Any], base: str) -> dict[str, str]:
    (folder.parent / "event.json").write_text(json.dumps(event))
    environ = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(folder.parent / "event.json"),
        "GITHUB_OUTPUT": str(folder.parent / "output"),
        "BASE": base,
    }
    # Isolated from the packages of the environment: a runner has none of them.
    subprocess.run(
        [sys.executable, "-S", "-m", "gitops.github.ci", "jobs"],
        cwd=folder,
        env=environ,
        check=True,
        capture_output=True,
    )
    lines = (folder.parent / "output").read_text().splitlines()
    return dict(line.split("=") for line in lines)


def test_what_changed_is_read_from_the_merge_alone(merge: Path) -> None:
    found = command(merge, "pull_request", {"action": "opened"}, "HEAD^1")
    assert found == {"test": "true", "review": "true", "image": "true", "e2e": "true", "machines": "false"}


def test_of_a_merge_group_all_commits_count(merge: Path) -> None:
    git(merge, "commit", "--quiet", "--allow-empty", "--message=another")
    last = command(merge, "merge_group", {}, git(merge, "rev-parse", "HEAD^1"))
    assert last == {"test": "true", "review": "true", "image": "false", "e2e": "false", "machines": "false"}
    found = command(merge, "merge_group", {}, git(merge, "rev-parse", "HEAD~2"))
    assert found == {"test": "true", "review": "true", "image": "true", "e2e": "true", "machines": "false"}


def test_a_failed_job_fails_the_check(merge: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "gitops.github.ci", "result"],
        cwd=ROOT,
        env={"NEEDS": json.dumps(needs(test="failure"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "test: failure, must be success\n")
