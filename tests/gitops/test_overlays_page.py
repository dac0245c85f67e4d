"""docs/overlays.md: every change on the page, in a copy of the manifests, renders and keeps the policies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import is_seldon_deployment
from tests.gitops.policies.copies import Copy

PAGE = Path(__file__).parents[2] / "docs" / "overlays.md"
FILE = "overlays/model/kustomization.yaml"


def blocks() -> list[dict[str, Any]]:
    """Return the blocks of the page that are parts of a kustomization.yaml."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE.read_text(), re.MULTILINE)
    return [content for block in found if "kind" not in (content := yaml.safe_load(block))]


BLOCKS = blocks()


def write(root: Path, *contents: dict[str, Any]) -> None:
    """Add the blocks to the overlay's kustomization."""
    kustomization = yaml.safe_load((root / FILE).read_text())
    for content in contents:
        for key, entries in content.items():
            kustomization.setdefault(key, []).extend(entries)
    (root / FILE).write_text(yaml.safe_dump(kustomization))


def value(deployment: Any, path: str) -> Any:
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        deployment = (
            deployment[-1 if key == "-" else int(key)] if isinstance(deployment, list) else deployment[key]
        )
    return deployment


def test_the_page_has_changes_of_every_kind() -> None:
    assert [next(iter(block)) for block in BLOCKS] == ["replicas", *["patches"] * (len(BLOCKS) - 1)]
    assert len(BLOCKS) == 10


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: next(iter(block)))
def test_a_change_of_the_page_renders_what_it_says(block: dict[str, Any], tree: Copy) -> None:
    write(tree.root, block)
    deployment = tree.deployment("model")
    for entry in block.get("replicas", ()):
        assert deployment["spec"]["predictors"][0]["replicas"] == entry["count"]
    for entry in block.get("patches", ()):
        operations = yaml.safe_load(entry["patch"])
        assert operations[0]["op"] == "test"
        for operation in operations:
            assert value(deployment, operation["path"]) == operation["value"]


def test_all_changes_of_the_page_keep_the_policies(tree: Copy) -> None:
    write(tree.root, *BLOCKS)
    status, said = tree.check()
    assert status == 0, said


def test_a_graph_has_replicas_of_its_own(tree: Copy) -> None:
    tree.append("overlays/pipeline/kustomization.yaml", "replicas:\n  - {name: graph-iris, count: 2}\n")
    (deployment,) = filter(is_seldon_deployment, build(tree.root / "overlays/pipeline"))
    assert deployment["spec"]["predictors"][0]["replicas"] == 2
