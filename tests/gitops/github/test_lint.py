"""The workflows of .github, and that their linters see what is wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.github.ci import JOBS
from gitops.github.lint import lint

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text(), yaml.BaseLoader)
    return found


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_has_the_least_it_needs(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert workflow["on"].keys().isdisjoint({"pull_request_target", "workflow_run"})
    for job in workflow["jobs"].values():
        assert job["permissions"]
        if "uses" in job:
            continue
        assert int(job["timeout-minutes"]) <= 120
        checked_out = any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"])
        for step in job["steps"]:
            # Of makefiles alone it is known that people run the same; where nothing is checked out there is none.
            assert not checked_out or "uses" in step or step["run"].startswith(("make ", "docker pull "))
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"
    for line in file.read_text().splitlines():
        if re.search(r"\buses: (?!\./)", line):
            assert re.search(r"uses: [\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def privileged(job: dict[str, Any]) -> bool:
    return any(level == "write" for scope, level in job["permissions"].items() if scope != "pull-requests")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_who_can_write_restores_nothing_that_others_have_cached(file: Path) -> None:
    for job in read(file)["jobs"].values():
        actions = [step["uses"] for step in job.get("steps", []) if "uses" in step]
        assert not privileged(job) or not any(name.startswith("actions/cache") for name in actions)


def test_what_signs_runs_nothing_of_the_repository() -> None:
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    signing = [job for job in jobs.values() if "id-token" in job["permissions"]]
    assert signing == [jobs["sign"]]
    assert jobs["sign"]["environment"] == "release"
    for step in jobs["sign"]["steps"]:
        assert not step.get("uses", "").startswith(("actions/checkout@", "./"))
        assert not step.get("run", "").startswith("make ")


def test_no_release_takes_the_turn_of_another() -> None:
    # All that wait keep their place:
    # https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
    for name in ("release", "promote", "weekly"):
        assert read(ROOT / f".github/workflows/{name}.yml")["concurrency"] == {"group": name, "queue": "max"}


def test_the_required_check_needs_every_other_job() -> None:
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert set(jobs["ci"]["needs"]) == jobs.keys() - {"ci"}
    assert jobs["ci"]["if"].split(" #")[0] == "always()"
    assert set(JOBS) == jobs.keys() - {"ci", "changes"} == jobs["changes"]["outputs"].keys()


def test_a_targets_name_is_one() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {name for file in WORKFLOWS for name in re.findall(r"run: make ([a-z0-9-]+)", file.read_text())}
    matrix = read(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]["include"]
    assert called | {entry["target"] for entry in matrix} <= targets


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timeout-minutes: 60", "timeout-minute: 60", 'unexpected key "timeout-minute" for "job" section'),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("          persist-credentials: false\n", "          ref: main\n", "artipacked"),
    ],
    ids=["key", "action", "credentials"],
)
def test_the_linters_see_what_is_wrong(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    file = tmp_path / ".github/workflows/ci.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert lint(tmp_path) != 0
    assert said in capfd.readouterr().out


def test_dependencies_are_kept_up() -> None:
    content = json.loads((ROOT / ".github/renovate.json").read_text())
    assert set(content["enabledManagers"]) == {"github-actions", "dockerfile", "pep621", "gomod"}
    # Models and what is pinned of them come by promotion.
    assert {"examples/**", "overlays/**"} <= set(content["ignorePaths"])
