"""The workflows of .github, and that their linters see what is wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.workflows import lint

ROOT = Path(__file__).parents[2]
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
        for step in job["steps"]:
            # Of makefiles alone it is known that people run the same.
            assert "uses" in step or step["run"].startswith("make ")
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"
    lines = file.read_text().splitlines()
    assert len(lines) < 60
    for line in lines:
        if re.search(r"\buses: (?!\./)", line):
            assert re.search(r"uses: [\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_no_other_run_takes_the_turn_of_a_tags_release() -> None:
    # A group has one run that waits: https://docs.github.com/en/actions/concepts/workflows-and-actions/concurrency
    assert read(ROOT / ".github/workflows/release.yml")["concurrency"] == {
        "group": "release-${{ github.ref }}",
        "cancel-in-progress": "false",
    }


def test_a_targets_name_is_one() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        name for file in WORKFLOWS for name in re.findall(r"run: make ([a-z0-9-]+)", file.read_text())
    } | set(read(ROOT / ".github/workflows/test.yml")["jobs"]["make"]["strategy"]["matrix"]["target"])
    assert called <= targets


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timeout-minutes: 60", "timeout-minute: 60", 'unexpected key "timeout-minute" for "job" section'),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("        with:\n          persist-credentials: false\n", "", "artipacked"),
    ],
    ids=["key", "action", "credentials"],
)
def test_the_linters_see_what_is_wrong(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    file = tmp_path / ".github/workflows/test.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert lint(tmp_path) != 0
    assert said in capfd.readouterr().out


def test_dependencies_are_kept_up() -> None:
    content = json.loads((ROOT / ".github/renovate.json").read_text())
    assert set(content["enabledManagers"]) == {"github-actions", "dockerfile", "pep621", "gomod"}
    # Models and what is pinned of them come by promotion.
    assert {"examples/**", "overlays/**"} <= set(content["ignorePaths"])
