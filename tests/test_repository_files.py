"""Files that other programs read: hooks, templates, the container of editors, owners, the licence."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import adopted

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
TEMPLATES = [
    path for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"
]


def targets(command: str) -> set[str]:
    words = command.split()
    assert words[0] == "make"
    return {*words[1:]}


def test_hooks_call_targets_of_make_and_nothing_else() -> None:
    content = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [entry["repo"] for entry in content["repos"]] == ["local"]
    hooks: list[dict[str, Any]] = content["repos"][0]["hooks"]
    assert [hook["id"] for hook in hooks] == ["lint", "scan", "types", "check"]
    for hook in hooks:
        assert targets(hook["entry"]) <= TARGETS
        assert {*hook["stages"]} <= {*content["default_install_hook_types"]}


def test_an_editor_s_container_is_made_by_a_target() -> None:
    content = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert targets(content["postCreateCommand"]) <= TARGETS
    # Where `make demo` answers by default.
    assert f"$(or $(PORT),{content['forwardPorts'][0]})" in MAKEFILE


def test_names_stay_apart_where_a_file_system_folds_case_or_normalizes_unicode() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    # A folder is a name, too: Docs/x and docs/y would be in one.
    names = {
        str(one) for name in listed.stdout.split("\0") if name for one in (Path(name), *Path(name).parents)
    }
    folded: dict[str, set[str]] = {}
    for name in names:
        folded.setdefault(unicodedata.normalize("NFC", name).casefold(), set()).add(name)
    assert len(names) > 100
    assert [sorted(same) for same in folded.values() if len(same) > 1] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_an_issue_template_is_a_form(path: Path) -> None:
    # https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms
    content = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= content.keys()
    ids = [entry["id"] for entry in content["body"]]
    assert len(set(ids)) == len(ids)
    for entry in content["body"]:
        assert entry["type"] in ("textarea", "input", "dropdown")
        assert entry["attributes"]["label"]


@pytest.mark.skipif(adopted(), reason="a fork has owners of its own")
def test_the_example_of_owners_is_switched_off() -> None:
    """A fork would otherwise ask teams for reviews that it has not."""
    lines = (ROOT / ".github/CODEOWNERS").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert text.split()[:5] == ["Apache", "License", "Version", "2.0,", "January"]
    assert "END OF TERMS AND CONDITIONS" in text


def test_what_builds_the_pages_is_no_part_of_the_image_nor_of_the_tests_environment() -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = content["dependency-groups"]
    assert any("zensical" in entry for entry in groups["docs"])
    for name, entries in {**groups, "image": content["project"]["dependencies"]}.items():
        if name != "docs":
            assert {"include-group": "docs"} not in entries
            assert not any(isinstance(entry, str) and "zensical" in entry for entry in entries)
