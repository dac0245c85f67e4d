"""Which columns of two neighbours in a graph fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitops.manifests.graph import mismatches
from gitops.manifests.rendered import Rendered, render
from tests.gitops.policies.copies import Copy

BEFORE, AFTER = "preprocessor → model", "model → postprocessor"


def found(tree: Copy, node: str = "model", folder: str = "overlays/pipeline") -> list[str]:
    rendered = render(tree.root, folder)
    assert isinstance(rendered, Rendered)
    return list(mismatches(tree.root, rendered, node))


def change(tree: Copy, overlay: str, part: str, value: Any) -> None:
    file = tree.root / "overlays" / overlay / "contract.json"
    content = json.loads(file.read_text())
    if isinstance(value, dict) and content["signature"][part]:
        content["signature"][part][0].update(value)
    else:
        content["signature"][part] = value
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("node", ["preprocessor", "model", "postprocessor"])
def test_the_example_fits(tree: Copy, node: str) -> None:
    assert found(tree, node) == []


@pytest.mark.parametrize(
    ("overlay", "part", "value", "said"),
    [
        ("model", "inputs", {"name": "sepal", "required": False}, [
            f"{BEFORE}: column 'sepal length (cm)' is answered, and not taken",
        ]),
        ("model", "inputs", {"name": "sepal"}, [
            f"{BEFORE}: column 'sepal' is taken, and not answered",
            f"{BEFORE}: column 'sepal length (cm)' is answered, and not taken",
        ]),
        ("model", "inputs", {"type": "string"}, [
            f"{BEFORE}: column 'sepal length (cm)' is answered as double, and taken as string",
        ]),
        # A fraction is refused where whole numbers are wanted, and a whole number is taken as any.
        ("model", "inputs", {"type": "long"}, [
            f"{BEFORE}: column 'sepal length (cm)' is answered as double, and taken as long",
        ]),
        ("model", "inputs", {"type": "float"}, []),
        ("model", "outputs", {"type": "long"}, []),
        ("model", "outputs", {"type": "boolean"}, [
            f"{AFTER}: column 'Class_0' is answered as boolean, and taken as double",
        ]),
        # By their places where they have no names.
        ("model", "outputs", [{"type": "double", "required": True}], [
            f"{AFTER}: 1 columns are answered, 3 are taken",
        ]),
        # Nobody knows, so the model itself will say.
        ("model", "outputs", None, []),
        ("model", "inputs", [{"type": "tensor", "dtype": "float64", "shape": [-1, 4]}], []),
    ],
)  # fmt: skip
def test_what_does_not_fit(tree: Copy, overlay: str, part: str, value: Any, said: list[str]) -> None:
    change(tree, overlay, part, value)
    assert found(tree) == said


def test_only_a_nodes_own_neighbours_count(tree: Copy) -> None:
    change(tree, "preprocessor", "outputs", {"type": "string"})
    assert found(tree, "model") == found(tree, "preprocessor") != []
    assert found(tree, "postprocessor") == []


def test_an_overlay_of_one_node_has_no_neighbours(tree: Copy) -> None:
    change(tree, "model", "inputs", {"name": "sepal"})
    assert found(tree, folder="overlays/model") == []


def test_a_graph_that_two_promotions_broke_is_a_finding(tree: Copy) -> None:
    change(tree, "preprocessor", "outputs", {"type": "string"})
    change(tree, "postprocessor", "inputs", {"type": "boolean"})
    assert [error.splitlines()[1] for error in tree.broken("neighbours", "overlays/pipeline")] == [
        "  SeldonDeployment graph-iris-pipeline: preprocessor → model: column 'sepal length (cm)' is answered as "
        "string, and taken as double",
        "  SeldonDeployment graph-iris-pipeline: model → postprocessor: column 'Class_0' is answered as "
        "double, and taken as boolean",
    ]
